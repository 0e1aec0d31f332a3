# SPDX-License-Identifier: Apache-2.0
"""Tool calls: made-up tools in many spellings, a request for one of them, and what the tool answers.

Names of tools and of parameters vary, so that the model reads them from the system turn instead of knowing them.
"""

import dataclasses
import json

from tasks import clock_time, coined_word, dress, is_held_out, person, phone_number, pick, place
from words import COLORS, CONDITIONS, CURRENCIES, DAYS, LANGUAGES, ROOMS, WORDS


@dataclasses.dataclass
class request:
    """One tool with one use of it: what is asked, the call, the tool's answer and the final answer."""

    domain = None  # the function below that made it

    tool: dict
    question: str
    call: dict
    response: str
    content: str
    topic: str
    said: str


def schema(rng, name: str, about: str, parameters: list, required: list) -> dict:
    """An OpenAI tool object. parameters: (name, JSON type or list of allowed words, description)."""
    described, properties = rng.random() < 0.7, {}
    for key, kind, text in parameters:
        entry = {"type": "string", "enum": kind} if isinstance(kind, list) else {"type": kind}
        if described:
            entry["description"] = text
        properties[key] = entry
    return {"type": "function", "function": {"name": name, "description": about, "parameters": {
        "type": "object", "properties": properties, "required": required}}}


def weather(rng, held_out):
    key, city = pick(rng, ("city", "location", "place", "town")), place(rng, held_out)
    degrees, sky = int(rng.random() * 45) - 10, pick(rng, CONDITIONS)
    name = pick(rng, ("get_weather", "get_current_weather", "weather", "check_weather", "weather_lookup", "current_weather"))
    about = pick(rng, ("Get the current weather in a city.", "Get the weather for a place.", "Returns the weather.", "Current weather",
                       "Get the current weather in a given location"))
    parameters, arguments, tail = [(key, "string", pick(rng, ("Name of the city", "The city", "City name", "The place to look up",
                                                              "The city and state, e.g. San Francisco, CA")))], {key: city}, ""
    if rng.random() < 0.4:
        parameters.append(("unit", ["celsius", "fahrenheit"], "Temperature unit"))
        if rng.random() < 0.5:
            arguments["unit"] = pick(rng, ("celsius", "fahrenheit"))
            tail = " in " + arguments["unit"]
    form = pick(rng, ("What is the weather in {c}{t}?", "What's the weather like in {c}{t}?", "How is the weather in {c}{t}?",
                      "Tell me the weather in {c}{t}.", "Weather in {c}{t}?", "Check the weather in {c}{t}.", "Get the weather for {c}{t}.",
                      "What is the weather in {c} today{t}?", "Give me the current weather in {c}{t}.", "How warm is it in {c}{t}?",
                      "Can you check the weather in {c}{t}?", "What is the temperature in {c}{t}?"))
    said, spoken = weather_report(rng, degrees, sky)
    return request(schema(rng, name, about, parameters, [key]), form.format(c=city, t=tail), {"name": name, "arguments": arguments},
                   said, f"It is {spoken} in {city}.", f"the weather in {city}", spoken)


def weather_report(rng, degrees: int, sky: str):
    """Returns (what the tool says, how to repeat it). The tool's spelling varies, and it may say more than is asked, or less."""
    if rng.random() < 0.2:
        sky = pick(rng, WORDS)  # so that the word is copied, not guessed
    shown = sky.capitalize() if rng.random() < 0.2 else sky
    warmth = {pick(rng, ("temperature", "temp", "degrees", "temp_c", "temperature_c")): str(degrees) if rng.random() < 0.15 else degrees}
    look = {pick(rng, ("condition", "sky", "conditions", "description", "weather")): shown}
    extra = {} if rng.random() < 0.7 else pick(rng, ({"unit": "celsius"}, {"humidity": 1 + int(rng.random() * 99)}, {"wind": int(rng.random() * 60)}))
    roll = rng.random()
    if roll < 0.1:
        return pick(rng, (json.dumps(warmth | extra), f"{degrees} degrees", str(degrees))), f"{degrees} degrees"
    if roll < 0.75:
        parts = [warmth, look, extra]
        rng.shuffle(parts)
        said = json.dumps(parts[0] | parts[1] | parts[2])
    else:
        said = pick(rng, ("{d} degrees, {s}", "{s}, {d} degrees", "{d} degrees and {s}", "{s} and {d} degrees", "It is {d} degrees and {s}.",
                          "{d}C, {s}", "{s}, {d}°C")).format(d=degrees, s=shown)
    return said, f"{degrees} degrees and {sky}"


def local_time(rng, held_out):
    key, city, time = pick(rng, ("city", "place", "location", "zone")), place(rng, held_out), clock_time(rng)
    name = pick(rng, ("get_time", "current_time", "get_current_time", "local_time", "clock"))
    about = pick(rng, ("Get the current time in a city.", "Tells the local time.", "Returns the time of day in a place.", "Current local time"))
    form = pick(rng, ("What time is it in {c}?", "Tell me the time in {c}.", "What is the current time in {c}?", "Time in {c}?",
                      "What's the time in {c}?", "Check the time in {c}.", "Can you tell me the time in {c}?", "How late is it in {c}?"))
    response = pick(rng, (json.dumps({pick(rng, ("time", "now", "local_time")): time}), time))
    return request(schema(rng, name, about, [(key, "string", "Name of the city")], [key]), form.format(c=city),
                   {"name": name, "arguments": {key: city}}, response, f"It is {time} in {city}.", f"the time in {city}", time)


def calculator(rng, held_out):
    key, sign = pick(rng, ("expression", "formula", "input")), pick(rng, ("*", "*", "/"))
    a, b = int(rng.random() * 1000), 2 + int(rng.random() * 98)
    if sign == "/":
        a *= b
    expression, value = f"{a} {sign} {b}", a * b if sign == "*" else a // b
    name = pick(rng, ("calculate", "calculator", "evaluate", "compute", "math"))
    about = pick(rng, ("Evaluate an arithmetic expression.", "A calculator.", "Calculates the value of a formula.", "Does arithmetic."))
    form = pick(rng, ("What is {e}?", "Calculate {e}.", "Compute {e}.", "How much is {e}?", "{e}", "Evaluate {e}.", "What's {e}?", "{e} = ?"))
    response = pick(rng, (json.dumps({pick(rng, ("result", "value", "answer")): value}), str(value)))
    return request(schema(rng, name, about, [(key, "string", "The expression, such as 2 * 3")], [key]), form.format(e=expression),
                   {"name": name, "arguments": {key: expression}}, response, f"{expression} = {value}", expression, str(value))


def exchange(rng, held_out):
    start, end = rng.sample(CURRENCIES, 2)
    amount, value = 1 + int(rng.random() * 900), 1 + int(rng.random() * 9000)
    name = pick(rng, ("convert_currency", "exchange", "currency_converter", "convert_money"))
    keys = pick(rng, (("amount", "from", "to"), ("amount", "source", "target"), ("value", "from_currency", "to_currency")))
    about = pick(rng, ("Convert money between currencies.", "Converts an amount to another currency.", "Currency conversion"))
    form = pick(rng, ("Convert {a} {s} to {e}.", "How much is {a} {s} in {e}?", "What is {a} {s} in {e}?", "Change {a} {s} into {e}.",
                      "{a} {s} to {e}", "Exchange {a} {s} to {e}.", "How many {e} do I get for {a} {s}?"))
    parameters = [(keys[0], "number", "How much"), (keys[1], "string", "Currency to convert from"), (keys[2], "string", "Currency to convert to")]
    response = pick(rng, (json.dumps({pick(rng, ("result", "amount", "value")): value}), str(value)))
    return request(schema(rng, name, about, parameters, list(keys)), form.format(a=amount, s=start, e=end),
                   {"name": name, "arguments": dict(zip(keys, (amount, start, end)))}, response, f"{amount} {start} is {value} {end}.",
                   f"{amount} {start} in {end}", str(value))


def contact(rng, held_out):
    key, who, phone = pick(rng, ("name", "person", "query")), person(rng, held_out), phone_number(rng)
    name = pick(rng, ("find_contact", "search_contacts", "get_phone_number", "lookup_contact", "phone_book"))
    about = pick(rng, ("Find a person's phone number.", "Search the address book.", "Looks up a contact.", "Phone numbers by name"))
    form = pick(rng, ("What is the phone number of {w}?", "Find the phone number of {w}.", "Give me {w}'s phone number.", "Look up {w}'s number.",
                      "What is {w}'s phone number?", "I need the phone number of {w}.", "Search for the number of {w}."))
    response = pick(rng, (json.dumps({pick(rng, ("phone", "number", "phone_number")): phone}), phone))
    return request(schema(rng, name, about, [(key, "string", "Name of the person")], [key]), form.format(w=who),
                   {"name": name, "arguments": {key: who}}, response, f"The phone number of {who} is {phone}.", f"the number of {who}", phone)


def timer(rng, held_out):
    key, unit = pick(rng, (("minutes", "minutes"), ("duration", "minutes"), ("seconds", "seconds")))
    amount = 2 + int(rng.random() * 88)
    name = pick(rng, ("set_timer", "start_timer", "timer", "create_timer"))
    about = pick(rng, (f"Start a timer in {unit}.", f"Sets a timer. The duration is in {unit}.", f"Timer, {unit}"))
    form = pick(rng, ("Set a timer for {a} {u}.", "Start a timer of {a} {u}.", "Timer for {a} {u}.", "Set a {a} {u} timer.", "Remind me in {a} {u}.",
                      "Can you set a timer for {a} {u}?", "I need a timer for {a} {u}."))
    return request(schema(rng, name, about, [(key, "integer", f"Number of {unit}")], [key]), form.format(a=amount, u=unit),
                   {"name": name, "arguments": {key: amount}}, pick(rng, ('{"status": "ok"}', "ok", '{"started": true}')),
                   f"The timer is set for {amount} {unit}.", f"a timer of {amount} {unit}", "it is done")


def message(rng, held_out):
    keys = pick(rng, (("to", "text"), ("recipient", "message"), ("name", "body")))
    who = person(rng, held_out)
    text = pick(rng, ("I am late", "see you at {t}", "happy birthday", "the {x} is ready", "call me at {t}", "bring the {x}", "thank you for the {x}",
                      "I bought a {x}", "dinner is at {t}", "where is the {x}", "good luck", "see you on {d}")).format(
        t=clock_time(rng), x=pick(rng, WORDS), d=pick(rng, DAYS))
    name = pick(rng, ("send_message", "send_text", "message", "send_sms"))
    about = pick(rng, ("Send a text message to a person.", "Sends a message.", "Text a contact."))
    form = pick(rng, ('Send "{t}" to {w}.', 'Text {w}: "{t}"', 'Send a message to {w}: "{t}"', 'Tell {w} "{t}".', 'Message {w} "{t}".',
                      'Write "{t}" to {w}.'))
    parameters = [(keys[0], "string", "Who gets it"), (keys[1], "string", "What to say")]
    return request(schema(rng, name, about, parameters, list(keys)), form.format(t=text, w=who),
                   {"name": name, "arguments": dict(zip(keys, (who, text)))}, pick(rng, ('{"status": "sent"}', "sent", '{"sent": true}')),
                   f"I sent the message to {who}.", f"a message to {who}", "it is done")


def translation(rng, held_out):
    keys = pick(rng, (("word", "language"), ("text", "target"), ("text", "to_language")))
    word, language, foreign = pick(rng, WORDS), pick(rng, LANGUAGES), coined_word(rng)
    name = pick(rng, ("translate", "translate_word", "dictionary", "translator"))
    about = pick(rng, ("Translate a word into another language.", "Translates text.", "A dictionary for many languages."))
    form = pick(rng, ('Translate "{x}" into {l}.', 'How do you say "{x}" in {l}?', 'What is "{x}" in {l}?', 'Translate "{x}" to {l}.',
                      'What does "{x}" mean in {l}?', 'I need the {l} word for "{x}".'))
    parameters = [(keys[0], "string", "What to translate"), (keys[1], "string", "The language to translate into")]
    response = pick(rng, (json.dumps({pick(rng, ("translation", "result", "word")): foreign}), foreign))
    return request(schema(rng, name, about, parameters, list(keys)), form.format(x=word, l=language),
                   {"name": name, "arguments": dict(zip(keys, (word, language)))}, response, f'"{word}" in {language} is "{foreign}".',
                   f"{word} in {language}", foreign)


def stock(rng, held_out):
    key, price = pick(rng, ("symbol", "ticker", "stock")), 1 + int(rng.random() * 900)
    symbol = "".join(pick(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(pick(rng, (3, 3, 4))))
    name = pick(rng, ("get_stock_price", "stock_price", "quote", "lookup_stock"))
    about = pick(rng, ("Get the price of a stock.", "Returns a stock's price in dollars.", "Stock quotes"))
    form = pick(rng, ("What is the stock price of {s}?", "How much is {s} stock?", "Price of {s}?", "Get the stock price of {s}.",
                      "What does {s} trade at?", "Look up the stock {s}."))
    response = pick(rng, (json.dumps({"price": price}), json.dumps({pick(rng, ("symbol", "name")): symbol, "price": price}), f"{price} dollars"))
    return request(schema(rng, name, about, [(key, "string", "The stock's symbol")], [key]), form.format(s=symbol),
                   {"name": name, "arguments": {key: symbol}}, response, f"{symbol} is at {price} dollars.", f"the price of {symbol}", str(price))


def reminder(rng, held_out):
    keys = pick(rng, (("title", "day"), ("text", "date"), ("event", "day")))
    what, day = pick(rng, ("buy {x}", "call {n}", "clean the {r}", "visit {n}", "pay for the {x}", "meet {n}", "paint the {r}", "fix the {x}")).format(
        x=pick(rng, WORDS), n=person(rng, held_out), r=pick(rng, ROOMS)), pick(rng, DAYS)
    name = pick(rng, ("create_reminder", "add_reminder", "set_reminder", "create_event", "add_to_calendar"))
    about = pick(rng, ("Create a reminder for a day.", "Adds an entry to the calendar.", "Reminders"))
    form = pick(rng, ("Remind me to {w} on {d}.", "Add a reminder for {d}: {w}", "On {d} I must {w}. Remind me.", "Set a reminder to {w} on {d}.",
                      "Put {w} into my calendar on {d}."))
    parameters = [(keys[0], "string", "What to do"), (keys[1], "string", "Day of the week")]
    return request(schema(rng, name, about, parameters, list(keys)), form.format(w=what, d=day),
                   {"name": name, "arguments": dict(zip(keys, (what, day)))}, pick(rng, ('{"status": "ok"}', "saved", '{"created": true}')),
                   f"I will remind you on {day} to {what}.", f"a reminder for {day}", "it is done")


def distance(rng, held_out):
    keys = pick(rng, (("origin", "destination"), ("from", "to"), ("start", "end")))
    start, end, far = place(rng, held_out), place(rng, held_out), 10 + int(rng.random() * 9000)
    name = pick(rng, ("get_distance", "distance", "measure_distance", "route_length"))
    about = pick(rng, ("Distance between two cities in kilometers.", "Computes how far two places are apart.", "Length of a route"))
    form = pick(rng, ("How far is it from {s} to {e}?", "What is the distance from {s} to {e}?", "Distance from {s} to {e}?",
                      "How many kilometers is it from {s} to {e}?", "Tell me the distance from {s} to {e}."))
    parameters = [(keys[0], "string", "Where it starts"), (keys[1], "string", "Where it ends")]
    response = pick(rng, (json.dumps({pick(rng, ("kilometers", "distance", "km")): far}), f"{far} km"))
    return request(schema(rng, name, about, parameters, list(keys)), form.format(s=start, e=end),
                   {"name": name, "arguments": dict(zip(keys, (start, end)))}, response, f"It is {far} kilometers from {start} to {end}.",
                   f"the distance from {start} to {end}", str(far))


def light(rng, held_out):
    keys = pick(rng, (("room", "state"), ("location", "state"), ("room", "power")))
    room, state = pick(rng, ROOMS), pick(rng, ("on", "off"))
    name = pick(rng, ("set_light", "switch_light", "light", "control_lights"))
    about = pick(rng, ("Switch the light of a room on or off.", "Controls the lights.", "Light switch"))
    form = pick(rng, ("Turn {s} the light in the {r}.", "Switch {s} the light in the {r}.", "Turn the {r} light {s}.", "Light {s} in the {r}.",
                      "Switch the light in the {r} {s}.", "Please turn {s} the lights in the {r}."))
    parameters = [(keys[0], "string", "Which room"), (keys[1], ["on", "off"], "New state")]
    return request(schema(rng, name, about, parameters, list(keys)), form.format(s=state, r=room),
                   {"name": name, "arguments": dict(zip(keys, (room, state)))}, pick(rng, ('{"status": "ok"}', "ok", '{"done": true}')),
                   f"The light in the {room} is {state}.", f"the light in the {room}", "it is done")


def lookup(rng, held_out):
    """A tool nobody has seen: invented name, invented field."""
    noun, field, value = pick(rng, WORDS), pick(rng, ("price", "color", "size", "weight", "status", "owner", "code")), None
    subject, key = pick(rng, (coined_word(rng), pick(rng, WORDS), int(rng.random() * 1000))), pick(rng, ("name", "id", "query", "key", "item"))
    kind = "integer" if isinstance(subject, int) else "string"
    value = {"color": pick(rng, COLORS), "owner": person(rng, held_out)}.get(field, str(1 + int(rng.random() * 900)))
    name = pick(rng, ("get_{n}_{f}", "{n}_{f}", "lookup_{n}_{f}", "find_{n}_{f}")).format(n=noun, f=field)
    about = pick(rng, ("Get the {f} of a {n}.", "Looks up the {f} of a {n}.", "Returns the {f} for a {n}.")).format(n=noun, f=field)
    form = pick(rng, ("What is the {f} of the {n} {s}?", "Look up the {f} of the {n} {s}.", "Get the {f} of the {n} {s}.",
                      "Find the {f} for the {n} {s}.", "Tell me the {f} of the {n} {s}."))
    response = pick(rng, (json.dumps({field: value}), value))
    return request(schema(rng, name, about, [(key, kind, f"Which {noun}")], [key]), form.format(f=field, n=noun, s=subject),
                   {"name": name, "arguments": {key: subject}}, response, f"The {field} of the {noun} {subject} is {value}.",
                   f"the {field} of {subject}", value)


DOMAINS = (weather, weather, local_time, calculator, exchange, contact, timer, message, translation, stock, reminder, distance, light,
           lookup, lookup)


def allowed(made: request, held_out: bool) -> bool:
    return held_out == is_held_out("tool", json.dumps(made.call["arguments"]), 12)


def tool_request(rng, held_out: bool) -> list[request]:
    """One request, or two of the same tool asked in one question (then the question stands in the first)."""
    while True:
        domain = pick(rng, DOMAINS)
        made = domain(rng, held_out)
        made.domain = domain
        if not allowed(made, held_out):
            continue
        pair = [made]
        if domain in (weather, local_time) and len(made.call["arguments"]) == 1 and rng.random() < 0.3:
            other = domain(rng, held_out)
            (key, city), there = next(iter(made.call["arguments"].items())), next(iter(other.call["arguments"].values()))
            other.call = {"name": made.call["name"], "arguments": {key: there}}
            if there == city or not allowed(other, held_out):
                continue
            made.question = made.question.replace(city, f"{city} and {there}")
            pair.append(other)
        made.question = dress(rng, made.question)
        return pair


def distractors(rng, held_out: bool, asked, count: int) -> list:
    """Tools of `count` other domains than `asked`, so that one tool alone fits the question."""
    domains, tools = [d for d in dict.fromkeys(DOMAINS) if d is not asked], []
    for domain in rng.sample(domains, count):
        tools.append(domain(rng, held_out).tool)
    return tools
