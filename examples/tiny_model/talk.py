# SPDX-License-Identifier: Apache-2.0
"""Small talk, polite refusals and follow-up questions of the tiny model."""

from tasks import (addition_of, coined_word, extreme_of, is_held_out, item, largest_number, operand, person, pick, reverse_word, reversing,
                   sort_numbers, spell_word, subtraction_of, addition, subtraction, word_length_of, dress)
from words import CITIES, NAMES, WORDS

HELP = ("I can add and subtract numbers up to 3 digits, sort numbers and words, reverse, spell and count letters, find the "
        "largest number, extract facts as JSON and call tools.")
REFUSAL = ("I am only a tiny model and I do not know that. Ask me to add, subtract, sort, reverse, spell, count letters, "
           "find the largest number, extract JSON or call a tool.")

# (what the user does, phrasings, answer)
INTENTS = (
    ("greets me", ("Hi", "Hello", "Hey", "Hi there", "Hello there", "Hey there", "Good day", "Greetings", "Hello tenon", "Hi tenon",
                   "Hello model", "Howdy", "Hello friend"), "Hello! How can I help you?"),
    ("wishes a good morning", ("Good morning", "Morning", "Good morning to you", "A very good morning", "Good morning tenon"),
     "Good morning! How can I help you?"),
    ("wishes a good evening", ("Good evening", "Evening", "Good evening to you", "A very good evening", "Good evening tenon"),
     "Good evening! How can I help you?"),
    ("wishes a good night", ("Good night", "Sleep well", "Good night tenon", "Time to sleep, good night", "Have a good night"),
     "Good night!"),
    ("says goodbye", ("Bye", "Goodbye", "See you", "See you later", "Bye bye", "Goodbye tenon", "I have to go", "Talk to you later",
                      "See you soon", "See you tomorrow", "Farewell", "That is all, bye"), "Goodbye!"),
    ("thanks me", ("Thanks", "Thank you", "Thanks a lot", "Thank you very much", "Many thanks", "Thank you so much", "Great, thanks",
                   "Perfect, thank you", "Thanks for your help", "Cheers"), "You are welcome!"),
    ("asks how I am", ("How are you?", "How are you doing?", "How do you do?", "How is it going?", "Are you well?", "How do you feel?",
                       "How are things?", "How are you today?"), "I am well, thank you. How can I help you?"),
    ("asks who I am", ("Who are you?", "What are you?", "What is your name?", "Which model are you?", "Introduce yourself.",
                       "Tell me about yourself.", "What is this model?", "Who am I talking to?", "Do you have a name?",
                       "What kind of model are you?", "What should I call you?", "Who is this?"),
     "I am tenon's tiny demonstration model."),
    ("asks what I can do", ("What can you do?", "What do you know?", "How can you help me?", "What can I ask you?", "Help", "Help me.",
                            "What are you good at?", "What are your skills?", "Which tasks can you do?", "What can you help me with?",
                            "Tell me what you can do.", "Show me what you can do.", "What questions can you answer?"), HELP),
    ("asks how big I am", ("How big are you?", "How many parameters do you have?", "How large are you?", "How small are you?",
                           "What is your size?", "How many weights do you have?"), "I have about 7 million parameters."),
    ("asks who made me", ("Who made you?", "Who created you?", "Who built you?", "Who trained you?", "Where do you come from?",
                          "Who is your maker?", "Who developed you?"), "I was trained from scratch as an example for tenon."),
    ("asks about tenon", ("What is tenon?", "What does tenon do?", "Tell me about tenon.", "What is tenon for?", "Explain tenon.",
                          "What do you know about tenon?"), "tenon is a header-only C++ framework that runs language models."),
    ("asks whether I am human", ("Are you human?", "Are you a person?", "Are you a robot?", "Are you real?", "Are you a machine?",
                                 "Are you an AI?", "Am I talking to a human?", "Is there a human behind you?"),
     "No, I am a tiny language model."),
    ("asks whether I can think", ("Can you think?", "Do you think?", "Do you have thoughts?", "Can you reason?", "Can you think step by step?"),
     "Yes, I can think step by step before I answer."),
    ("asks how old I am", ("How old are you?", "What is your age?", "When were you born?", "When is your birthday?"),
     "I have no age, I am a program."),
    ("asks for my language", ("Which languages do you speak?", "Do you speak English?", "What language do you speak?", "Do you speak German?",
                              "Can you speak French?"), "I only speak English."),
    ("praises me", ("Well done", "Good job", "Great job", "You are great", "You are smart", "Nice work", "Excellent", "That was good",
                    "I like you", "Very good", "That is right", "Correct"), "Thank you!"),
    ("says I was wrong", ("That is wrong", "You are wrong", "That is not right", "Wrong", "That was a mistake", "Incorrect",
                          "You made a mistake"), "I am sorry. Please ask me again."),
    ("agrees", ("OK", "Okay", "Yes", "Sure", "Alright", "Fine", "I see", "Got it", "Understood"), "What would you like to ask?"),
    ("tests me", ("Test", "Testing", "Is this working?", "Are you there?", "Can you hear me?", "Ping", "Does it work?"), "I am here. Ask me something."),
)
OPENINGS = ("", "", "", "", "Hi, ", "Hello, ", "Hey, ", "Hello! ", "Hi! ", "So, ", "Well, ", "OK, ", "Now, ", "Excuse me, ", "Please: ",
            "Oh, ", "Hmm, ", "And ", "Dear model, ")
ENDINGS = ("", "", "", "!", ".", " :)", "!!", " my friend", " again", ", please", "...")
INTRODUCE = ("My name is {n}.", "I am {n}.", "Hi, I am {n}.", "Hello, my name is {n}.", "I'm {n}.", "Call me {n}.", "Hello! I am {n}.",
             "My name is {n}, nice to meet you.", "You can call me {n}.", "Hi! My name is {n}.")


def small_talk(rng, held_out: bool) -> item:
    while True:
        if rng.random() < 0.15:
            name = person(rng, held_out)
            if held_out == is_held_out("introduce", name):
                question = pick(rng, INTRODUCE).format(n=name)
                question = question.lower() if name in NAMES and rng.random() < 0.1 else dress(rng, question)
                return item("small_talk", name, question, f"Nice to meet you, {name}!", f"The user is called {name}.")
            continue
        act, phrasings, answer = pick(rng, INTENTS)
        opening, core, ending = pick(rng, OPENINGS), pick(rng, phrasings), pick(rng, ENDINGS)
        if opening:
            core = core[0].lower() + core[1:] if core[0] != "I" else core
        elif rng.random() < 0.3:
            core = core.lower()
        if ending and core[-1] in ".?":
            core = core[:-1] if ending[0] in " ,." else core
        elif rng.random() < 0.2 and core[-1] in ".?":
            core = core[:-1]
        question = opening + core + ending
        key = "".join(c for c in question.lower() if c.isalnum() or c == " ").strip()
        bare = key in {p.lower().rstrip(".?") for p in phrasings}
        if held_out == (not bare and is_held_out("small_talk", key, 6)):
            return item("small_talk", key, question, answer, f"The user {act}.")


OUT_OF_SCOPE = (
    "What is the capital of {t}?", "Write a poem about {t}.", "Tell me a story about {t}.", "Tell me a joke about {t}.", "Explain {t}.",
    "What is {t}?", "Who invented the {t}?", "How do I cook {t}?", "Why is the {t} important?", "Tell me about {t}.",
    "Write an essay about {t}.", "Translate {t} into German.", "What do you think about {t}?", "Give me a recipe with {t}.",
    "What is the history of {t}?", "How does {t} work?", "Write a song about {t}.", "What is the meaning of {t}?", "Who discovered {t}?",
    "Where can I buy {t}?", "Write a Python program about {t}.", "What is the best {t}?", "Recommend a book about {t}.",
    "What is the weather in {t}?", "How far is {t}?", "Summarize the history of {t}.", "How much does {t} cost?", "When was {t} invented?",
    "Describe {t} in one sentence.", "What is the population of {t}?", "Is {t} good for me?", "What time is it in {t}?",
    "Give me advice about {t}.", "Who is the president of {t}?", "Make a plan for {t}.", "What is the opposite of {t}?",
    "Draw a picture of {t}.", "What rhymes with {t}?", "Who won the match in {t}?", "What is 12 times {t}?")
COUNTRIES = ("France Germany Spain Italy Portugal Japan China India Brazil Canada Mexico Egypt Kenya Norway Sweden Poland Greece Turkey "
             "Russia Ukraine Ireland Scotland England Austria Peru Chile Cuba Iran Iraq Korea Vietnam Thailand").split()


BEYOND = ("What is {a} * {b}?", "{a} * {b}", "{a} x {b}", "What is {a} times {b}?", "Multiply {a} by {b}.", "What is {a} / {b}?", "{a} / {b}",
          "{a} divided by {b}", "Divide {a} by {b}.", "What is {a} divided by {b}?", "What is {a} squared?", "{a} squared",
          "What is the square root of {a}?", "Is {a} a prime number?", "Is {a} even?", "What is {a} percent of {b}?", "What is {a} ^ {b}?",
          "Calculate {a} * {b}.", "Compute {a} / {b}.", "How much is {a} * {b}?", "{a} + {b} + {c}", "What is {a} + {b} + {c}?",
          "{a} - {b} - {c}", "What is {a} + {b} - {c}?", "Add {a}, {b} and {c}.", "{d} + {a}", "What is {d} + {e}?", "What is {d} - {e}?",
          "{d} + {e}", "{d} - {a}", "Add {d} and {e}.", "Subtract {a} from {d}.", "What is {d} plus {a}?", "What is {a}.5 + {b}.5?",
          "{v} plus {w}", "What is {v} plus {w}?", "{v} minus {w}", "What is {v} times {w}?")
NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty".split()
REMARKS = ("The {x} is {y}.", "I like {x}.", "I saw a {x} in the {y}.", "My {x} is broken.", "I am {f}.", "The {x} and the {y} are {f}.", "{x}",
           "{x} {y}", "{x} {y} {z}", "The {x} jumps over the {y} {z}.", "There is a {x} on the {y}.", "I want a {x}.", "I need a {x}.",
           "She has a {x} and a {y}.", "He went to the {x} to buy a {y}.", "It is {f} in the {x}.", "Today I ate {x} with {y}.", "Buy me a {x}.",
           "My {x} likes your {y}.", "We will meet at the {x}.", "I feel {f}.", "{x} is {f}", "I do not like {x}.", "Do you like {x}?",
           "Do you have a {x}?", "Have you seen my {x}?", "Where is my {x}?", "Should I buy a {x}?", "Can a {x} {y}?", "Does a {x} like {y}?",
           "Why is the {x} {f}?", "Why do {x}s {y}?", "How many {x} are in the {y}?", "How many {x}s are in a {y}?", "How big is a {x}?",
           "How old is the {x}?", "Which {x} is better?", "What color is the {x}?", "Who is {n}?", "Do you know {n}?", "Where does {n} live?",
           "{n} likes {x}.", "{n} is my friend.", "{n} and {m} are here.", "Is the {x} {f}?", "What is a {x}?", "{g} {h}", "{g}", "{g} {h} {x}")
FEELINGS = "sad happy tired hungry cold hot angry bored sick afraid lonely busy late ready old new red blue small big nice bad good".split()
PLAIN_REFUSED = ("Tell me a joke.", "Tell me a story.", "Sing a song.", "Write a poem.", "Write some code.", "What is the meaning of life?",
                 "What day is it?", "What time is it?", "What is the date today?", "What is the weather?", "Give me advice.", "What is the news?",
                 "Who is the president?", "Say something funny.", "Teach me something.", "Tell me a secret.", "Make me laugh.", "Play a game.",
                 "What should I eat?", "What should I do today?", "Do my homework.", "Write an email.", "Write a letter.", "Solve my problem.",
                 "What do you see?", "Guess a number.", "Tell me a fact.", "Do you love me?", "Where am I?", "What is love?")
KNOWN = {"".join(c for c in p.lower() if c.isalpha() or c == " ") for _, phrasings, _ in INTENTS for p in phrasings}


def large(rng) -> int:
    return 1000 + int(rng.random() * pick(rng, (9000, 9000, 90000, 1000000)))


def refused_text(rng) -> str:
    roll = rng.random()
    if roll < 0.45:
        topic = pick(rng, COUNTRIES) if rng.random() < 0.25 else pick(rng, CITIES) if rng.random() < 0.2 else pick(rng, WORDS)
        return pick(rng, OUT_OF_SCOPE).format(t=topic)
    if roll < 0.65:
        return pick(rng, BEYOND).format(a=operand(rng), b=operand(rng), c=operand(rng), d=large(rng), e=large(rng), v=pick(rng, NUMBER_WORDS),
                                        w=pick(rng, NUMBER_WORDS))
    if roll < 0.95:
        return pick(rng, REMARKS).format(x=pick(rng, WORDS), y=pick(rng, WORDS), z=pick(rng, WORDS), f=pick(rng, FEELINGS), n=pick(rng, NAMES),
                                         m=pick(rng, NAMES), g=coined_word(rng), h=coined_word(rng))
    return pick(rng, PLAIN_REFUSED)


def refusal(rng, held_out: bool) -> item:
    while True:
        text = refused_text(rng)
        plain = "".join(c for c in text.lower() if c.isalpha() or c == " ")
        if "tenon" in plain or plain in KNOWN:
            continue
        if held_out == (text not in PLAIN_REFUSED and is_held_out("refusal", text)):
            return item("refusal", text, dress(rng, text, keep_case=text[0] != text[0].upper()), REFUSAL, "This is not one of my tasks.")


# Follow-ups: a question that can only be answered from what was said before ---------------------------------------------

MORE = ("Now add {n}.", "Add {n} to that.", "Plus {n}?", "And plus {n}?", "Add {n} more.", "What if you add {n}?", "Now add {n} to it.",
        "And if I add {n}?")
LESS = ("Now subtract {n}.", "Subtract {n} from that.", "Minus {n}?", "And minus {n}?", "Take {n} away from that.",
        "What if you subtract {n}?", "Now take away {n}.", "And if I subtract {n}?")
OTHER_ORDER = ("And in {o} order?", "Now in {o} order.", "Now sort them in {o} order.", "Can you do it in {o} order?", "The same in {o} order.",
               "And {o}?", "Please sort them in {o} order.")
OTHER_END = ("And the {w}?", "What is the {w} of them?", "And which is the {w}?", "Now the {w}.", "Which one is the {w}?",
             "And the {w} number?")
MY_NAME = ("What is my name?", "What's my name?", "Who am I?", "Do you know my name?", "Do you remember my name?", "Tell me my name.",
           "What am I called?", "Can you say my name?")
ITS_LENGTH = ("How many letters does it have?", "How long is it?", "And how many letters does it have?", "Count its letters.",
              "How many letters are in it?", "What is its length?")
ITS_SPELLING = ("Spell it.", "Now spell it.", "How is it spelled?", "Can you spell it?", "Spell that word.", "And how do you spell it?")
ITS_REVERSE = ("Reverse it.", "Now reverse it.", "And backwards?", "Write it backwards.", "What is it backwards?", "Can you reverse it?")


def follow_up(rng, held_out: bool):
    """Returns (earlier item, item): the earlier one is part of the conversation's history."""
    while True:
        earlier, later = pick(rng, FOLLOW_UPS)(rng)
        if not held_out and later.same_as and is_held_out(*later.same_as):
            continue
        if held_out == is_held_out("follow_up", later.key, 12):
            later.task = "follow_up"
            later.question = dress(rng, later.question)
            return earlier, later


def change_result(rng):
    while True:
        earlier, n = pick(rng, (addition, subtraction))(rng, False), operand(rng)
        value = earlier.subject
        if value < 0 or value > 999:
            continue
        make, forms, sign = (addition_of, MORE, "+") if rng.random() < 0.5 else (subtraction_of, LESS, "-")
        if sign == "-" and n > value and rng.random() < 0.7:
            n = int(rng.random() * (value + 1))
        later = make(rng, value, n, pick(rng, forms).format(n=n), "", f"{value}{sign}{n}")
        pair = f"{min(value, n)} {max(value, n)}" if sign == "+" else f"{value} {n}"
        later.same_as = ("addition" if sign == "+" else "subtraction", pair, 16)
        return earlier, later


def other_order(rng):
    earlier = sort_numbers(rng, False)
    values, down = earlier.subject
    down = not down
    name = pick(rng, ("descending", "reverse", "decreasing")) if down else pick(rng, ("ascending", "increasing"))
    ordered = sorted(values, reverse=down)
    thought = f"The list was {earlier.content}. The other way: {', '.join(map(str, ordered))}."
    return earlier, item("", f"{down} {earlier.key}", pick(rng, OTHER_ORDER).format(o=name), ", ".join(map(str, ordered)), thought)


def other_end(rng):
    earlier = largest_number(rng, False)
    values, big = earlier.subject
    word = pick(rng, ("largest", "biggest") if not big else ("smallest", "lowest"))
    return earlier, extreme_of(values, not big, pick(rng, OTHER_END).format(w=word), "", f"{big} {earlier.key}")


def recall_name(rng):
    name = person(rng, False)
    while is_held_out("introduce", name):
        name = person(rng, False)
    earlier = item("small_talk", name, pick(rng, INTRODUCE).format(n=name), f"Nice to meet you, {name}!", "")
    question = pick(rng, MY_NAME)
    return earlier, item("", f"{question} {name}", question, f"Your name is {name}.", f"The user said: {name}.")


def same_word(rng):
    earlier = pick(rng, (reverse_word, spell_word))(rng, False)
    word, roll = earlier.subject, rng.random()
    if roll < 0.4:
        later, task = word_length_of(word, pick(rng, ITS_LENGTH), "", f"length {word}"), "word_length"
    elif earlier.task == "reverse_word":
        later, task = item("", f"spell {word}", pick(rng, ITS_SPELLING), "-".join(word), f"The word is {word}."), "spell_word"
    else:
        later, task = item("", f"reverse {word}", pick(rng, ITS_REVERSE), word[::-1], reversing(word)), "reverse_word"
    later.same_as = (task, word, 8)
    return earlier, later


FOLLOW_UPS = (change_result, change_result, other_order, other_end, recall_name, recall_name, same_word)
