# SPDX-License-Identifier: Apache-2.0
"""Questions with exact answers: every task of the tiny model but the tool calls.

A task is a function `(rng, held_out) -> item`. Whether a question may be trained on depends on a hash of its
*content* (the numbers, the word, the sentence), never on its phrasing, so a held-out question is one whose
content was in no training conversation, however it is worded.
"""

import dataclasses
import json
import zlib

from words import CITIES, COLORS, DAYS, JOBS, NAMES, PETS, PRODUCTS, WORDS


@dataclasses.dataclass
class item:
    """One question. `content` and `thought` are the assistant's final answer and its reasoning."""

    task: str
    key: str
    question: str
    content: str
    thought: str
    subject: object = None  # what a follow-up question refers to
    same_as: tuple = ()  # for a follow-up: (task, key, one_in) of the same question asked on its own


def is_held_out(kind: str, key: str, one_in: int = 16) -> bool:
    return zlib.crc32(f"{kind}|{key}".encode()) % one_in == 3


def pick(rng, sequence):
    return sequence[int(rng.random() * len(sequence))]


def dress(rng, text: str, keep_case: bool = False) -> str:
    """Vary a question as people type it. The first letter may become small, the last mark may go."""
    roll = rng.random()
    if roll < 0.4:
        return text
    if rng.random() < 0.35 and not keep_case and text[0].isupper() and not text.isupper():
        text = text[0].lower() + text[1:]
    if rng.random() < 0.3 and text[-1] in ".?!":
        text = text[:-1]
    if rng.random() < 0.12:
        text = (text[:-1] + pick(rng, (", please", " please")) + text[-1]) if text[-1] in ".?!" else text + " please"
    elif rng.random() < 0.06:
        text += pick(rng, (" Thanks!", " Thank you.", " thanks"))
    if rng.random() < 0.2:
        text = pick(rng, PREFIXES) + text
    return text


PREFIXES = ("Hi! ", "Hello! ", "Hey, ", "OK, ", "Ok. ", "Now: ", "Next: ", "Tell me: ", "Question: ", "Quick question: ",
            "Please help. ", "Hi there. ", "So, ", "Alright, ", "Hello, ", "hi, ", "One more: ", "Can you help me? ")


# Arithmetic ----------------------------------------------------------------------------------------------------------

ADD = ("{a} + {b}", "{a}+{b}", "{a} + {b} = ?", "{a} + {b} =", "{a}+{b}=", "What is {a} + {b}?", "What is {a}+{b}?",
       "What is {a} plus {b}?", "What's {a} + {b}?", "What's {a} plus {b}?", "Add {a} and {b}.", "Add {a} to {b}.",
       "Calculate {a} + {b}.", "Compute {a} + {b}.", "Compute {a} plus {b}.", "How much is {a} + {b}?",
       "How much is {a} plus {b}?", "{a} plus {b}", "What is the sum of {a} and {b}?", "Sum {a} and {b}.",
       "Find the sum of {a} and {b}.", "Can you add {a} and {b}?", "Could you tell me what {a} + {b} is?",
       "What do you get if you add {a} and {b}?", "What does {a} + {b} equal?", "Work out {a} + {b}.",
       "Solve {a} + {b}.", "I have {a} and get {b} more. How many do I have?", "Give me the sum of {a} and {b}.",
       "Evaluate {a} + {b}.", "Please add {a} and {b}.", "{a} and {b} together make how much?")

SUBTRACT = ("{a} - {b}", "{a}-{b}", "{a} - {b} = ?", "{a} - {b} =", "{a}-{b}=", "What is {a} - {b}?", "What is {a}-{b}?",
            "What is {a} minus {b}?", "What's {a} - {b}?", "What's {a} minus {b}?", "Subtract {b} from {a}.",
            "Take {b} away from {a}.", "Calculate {a} - {b}.", "Compute {a} - {b}.", "Compute {a} minus {b}.",
            "How much is {a} - {b}?", "How much is {a} minus {b}?", "{a} minus {b}", "Work out {a} - {b}.",
            "Can you subtract {b} from {a}?", "Could you tell me what {a} - {b} is?", "Solve {a} - {b}.",
            "What do you get if you subtract {b} from {a}?", "What does {a} - {b} equal?", "Evaluate {a} - {b}.",
            "Take {b} from {a}.", "Please subtract {b} from {a}.", "What is {a} take away {b}?")
SUBTRACT_ORDERED = ("What is the difference between {a} and {b}?", "I have {a} and give away {b}. How many are left?",
                    "How much more is {a} than {b}?", "There were {a} birds and {b} flew away. How many are left?")


def operand(rng) -> int:
    roll = rng.random()
    return int(rng.random() * (10 if roll < 0.12 else 100 if roll < 0.42 else 1000))


def column(a: int, b: int, sign: str) -> str:
    """The written method, units first, for a >= b when subtracting."""
    steps, carry = [], 0
    top, low = str(a)[::-1], str(b)[::-1]
    for i in range(max(len(top), len(low))):
        x, y = int(top[i]) if i < len(top) else 0, int(low[i]) if i < len(low) else 0
        tail = f" {sign} 1" if carry else ""
        value = x + y + carry if sign == "+" else x - y - carry
        if sign == "+":
            carry = value >= 10
            steps.append(f"{x} + {y}{tail} = {value}" + (", carry 1" if carry else ""))
        else:
            carry = value < 0
            steps.append(f"{x} - {y}{tail} = {value}" + (f", borrow: {value + 10}" if carry else ""))
    return "; ".join(steps) + "."


def addition_of(rng, a: int, b: int, question: str, task: str, key: str) -> item:
    return item(task, key, question, f"{a} + {b} = {a + b}", f"{column(a, b, '+')} Sum: {a + b}.", a + b)


def subtraction_of(rng, a: int, b: int, question: str, task: str, key: str) -> item:
    if a >= b:
        thought = f"{column(a, b, '-')} Result: {a - b}."
    else:
        thought = f"{a} is less than {b}, so negative: {b} - {a}. {column(b, a, '-')} Result: {a - b}."
    return item(task, key, question, f"{a} - {b} = {a - b}", thought, a - b)


def addition(rng, held_out: bool) -> item:
    while True:
        a, b = operand(rng), operand(rng)
        key = f"{min(a, b)} {max(a, b)}"
        if held_out == ((a > 19 or b > 19) and is_held_out("addition", key)):
            return addition_of(rng, a, b, dress(rng, pick(rng, ADD).format(a=a, b=b)), "addition", key)


def subtraction(rng, held_out: bool) -> item:
    while True:
        a, b = operand(rng), operand(rng)
        if a < b and rng.random() < 0.6:
            a, b = b, a
        key = f"{a} {b}"
        if held_out == ((a > 19 or b > 19) and is_held_out("subtraction", key)):
            forms = SUBTRACT_ORDERED if a >= b and rng.random() < 0.12 else SUBTRACT
            return subtraction_of(rng, a, b, dress(rng, pick(rng, forms).format(a=a, b=b)), "subtraction", key)


# Lists ---------------------------------------------------------------------------------------------------------------

SORT_UP = ("Sort {x}.", "Sort these numbers: {x}", "Sort the numbers {x}.", "Sort: {x}", "Sort {x} in ascending order.",
           "Put these numbers in order: {x}", "Order these numbers: {x}", "Arrange {x} from smallest to largest.",
           "Sort from smallest to largest: {x}", "Sort {x} from low to high.", "Can you sort {x}?",
           "Could you sort these numbers for me: {x}?", "Put {x} in ascending order.", "Sort the list {x}.",
           "Please sort these: {x}", "Order {x} from smallest to biggest.", "Arrange these numbers in ascending order: {x}",
           "I need these numbers sorted: {x}", "Sort ascending: {x}", "Give me {x} in sorted order.",
           "What is the sorted order of {x}?", "Sort this list of numbers: {x}", "Line up these numbers by size: {x}")
SORT_DOWN = ("Sort {x} in descending order.", "Sort these numbers in descending order: {x}", "Sort descending: {x}",
             "Sort from largest to smallest: {x}", "Arrange {x} from largest to smallest.", "Put {x} in descending order.",
             "Sort {x} from high to low.", "Order these numbers from biggest to smallest: {x}",
             "Sort the list {x} in reverse order.", "Can you sort {x} from largest to smallest?",
             "Arrange these numbers in descending order: {x}", "Please sort these from high to low: {x}")
SORT_WORDS = ("Sort these words: {x}", "Sort {x} alphabetically.", "Sort the words {x}.", "Sort the words {x} alphabetically.",
              "Put these words in alphabetical order: {x}", "Arrange {x} in alphabetical order.", "Alphabetize {x}.",
              "Alphabetize these words: {x}", "Order these words alphabetically: {x}", "Sort words: {x}",
              "Sort from A to Z: {x}", "Can you sort {x} alphabetically?", "Please sort these words: {x}",
              "Put {x} in alphabetical order.", "Sort this list of words: {x}", "Give me {x} in alphabetical order.",
              "What is the alphabetical order of {x}?", "Could you put these words in order: {x}?",
              "Arrange these words from A to Z: {x}", "I need these words sorted: {x}", "List {x} in alphabetical order.",
              "Order the words {x} from A to Z.")
LARGEST = ("What is the {w} of {x}?", "What is the {w} number in {x}?", "Which number is the {w}: {x}?", "Find the {w} of {x}.",
           "Find the {w} number: {x}", "Which is the {w}: {x}?", "Which of these is the {w}: {x}?", "{w} of {x}",
           "Give me the {w} of {x}.", "Tell me the {w} number in {x}.", "Which number in {x} is the {w}?",
           "Can you find the {w} number in {x}?", "What's the {w} of {x}?", "Pick the {w} number from {x}.",
           "Here are some numbers: {x}. Which is the {w}?", "From {x}, which one is the {w}?", "Name the {w} of {x}.",
           "Of {x}, which is the {w}?", "Show the {w} number of this list: {x}", "What is the {w} in this list: {x}",
           "Look at {x}. What is the {w} number?", "Please find the {w} in {x}.")
BIG, SMALL = ("largest", "biggest", "greatest", "maximum", "highest", "max"), ("smallest", "lowest", "minimum", "least", "min")


def numbers(rng) -> list[int]:
    top = pick(rng, (20, 100, 100, 1000, 1000))
    count = pick(rng, (3, 3, 4, 4, 5, 5, 6, 7))
    return [int(rng.random() * top) for _ in range(count)]


def listed(rng, values) -> str:
    values = [str(v) for v in values]
    roll = rng.random()
    if roll < 0.55:
        return ", ".join(values)
    if roll < 0.7:
        return " ".join(values)
    if roll < 0.8:
        return "[" + ", ".join(values) + "]"
    if roll < 0.88:
        return ",".join(values)
    return ", ".join(values[:-1]) + pick(rng, (" and ", " and ", ", and ")) + values[-1]


def selection(values, best, name: str) -> str:
    """Selection sort, spoken: the best of what is left, one after the other."""
    left, steps = list(values), []
    while len(left) > 1:
        found = best(left)
        steps.append(f"{', '.join(map(str, left))}: {found}")
        left.remove(found)
    return f"{name} first. " + "; ".join(steps) + f"; {left[0]}."


def sort_numbers(rng, held_out: bool) -> item:
    while True:
        values = numbers(rng)
        key = " ".join(map(str, sorted(values)))
        if held_out != is_held_out("sort_numbers", key):
            continue
        down = rng.random() < 0.3
        question = dress(rng, pick(rng, SORT_DOWN if down else SORT_UP).format(x=listed(rng, values)))
        thought = selection(values, max if down else min, "Largest" if down else "Smallest")
        answer = ", ".join(map(str, sorted(values, reverse=down)))
        return item("sort_numbers", key, question, answer, thought, (values, down))


def sort_words(rng, held_out: bool) -> item:
    while True:
        mixed = not held_out and rng.random() < 0.3
        values = [letter_word(rng, False) if mixed else pick(rng, WORDS) for _ in range(pick(rng, (3, 3, 4, 4, 5)))]
        key = " ".join(sorted(values))
        if len(set(values)) < len(values) or held_out != is_held_out("sort_words", key):
            continue
        question = dress(rng, pick(rng, SORT_WORDS).format(x=listed(rng, values)))
        return item("sort_words", key, question, ", ".join(sorted(values)), selection(values, min, "A to Z"))


def extreme_of(values, big: bool, question: str, task: str, key: str) -> item:
    best, steps = values[0], []
    for value in values[1:]:
        best = max(best, value) if big else min(best, value)
        steps.append(f"{value}: {best}")
    thought = f"Start with {values[0]}. " + "; ".join(steps) + "."
    name = "largest" if big else "smallest"
    return item(task, key, question, f"The {name} number is {best}.", thought, (values, big))


def largest_number(rng, held_out: bool) -> item:
    while True:
        values = numbers(rng)
        key = " ".join(map(str, sorted(values)))
        if held_out != is_held_out("largest_number", key):
            continue
        big = rng.random() < 0.65
        text = pick(rng, LARGEST).format(w=pick(rng, BIG if big else SMALL), x=listed(rng, values))
        return extreme_of(values, big, dress(rng, text[0].upper() + text[1:]), "largest_number", key)


# Letters -------------------------------------------------------------------------------------------------------------

REVERSE = ("Reverse the word {w}.", "Reverse {w}.", "Reverse: {w}", "Reverse the letters of {w}.", "What is {w} backwards?",
           "What is {w} reversed?", "Write {w} backwards.", "Write the word {w} in reverse.", "Can you reverse {w}?",
           "Can you write {w} backwards?", "Please reverse the word {w}.", "What is the reverse of {w}?", "{w} backwards",
           "Turn {w} around.", "Turn the word {w} backwards.", "Flip the letters of {w}.", "Give me {w} backwards.",
           "How do you write {w} backwards?", "Reverse this word: {w}", "Say {w} backwards.", "Reverse the string {w}.",
           "Show me the word {w} reversed.", "What do you get if you reverse {w}?", "Could you reverse the word {w}?")
SPELL = ("Spell {w}.", "Spell the word {w}.", "How do you spell {w}?", "Can you spell {w}?", "Spell: {w}", "Spell out {w}.",
         "Spell {w} letter by letter.", "Please spell {w}.", "What are the letters of {w}?", "Write {w} letter by letter.",
         "List the letters of {w}.", "List the letters in the word {w}.", "Which letters are in {w}, in order?",
         "Give me the spelling of {w}.", "Could you spell the word {w}?", "Split {w} into letters.",
         "Break {w} into its letters.", "How is {w} spelled?", "Show me the letters of {w}.", "Spell this word: {w}")
COUNT = ("How many times does the letter {c} appear in {w}?", "How many {c}s are in {w}?", "How many {c} are in {w}?",
         "How many {c}'s are there in {w}?", "Count the letter {c} in {w}.", "How often does {c} occur in {w}?",
         "Count the {c}s in {w}.", "How many times is {c} in {w}?", "Count how many times {c} appears in {w}.",
         "In the word {w}, how many {c}s are there?", "How many letters {c} does {w} have?", "How often is {c} in {w}?",
         "How many {c} does {w} contain?", "Number of {c} in {w}?", "What is the number of {c}s in {w}?",
         "Can you count the letter {c} in {w}?", "Tell me how many {c}s {w} has.", "Please count the {c}s in {w}.",
         "How many times do you see {c} in {w}?", "Count {c} in {w}.", "The word {w}: how many {c}s?",
         "How many of the letters in {w} are {c}?")
LENGTH = ("How many letters are in {w}?", "How many letters does {w} have?", "How many letters are in the word {w}?",
          "How long is the word {w}?", "What is the length of {w}?", "Count the letters in {w}.", "Count the letters of {w}.",
          "How many characters does {w} have?", "What is the length of the word {w}?", "Number of letters in {w}?",
          "How many letters are there in {w}?", "Can you count the letters in {w}?", "Length of {w}?", "Count all letters in {w}.",
          "Tell me the length of {w}.", "Please count the letters in {w}.", "How many letters long is {w}?",
          "How many letters has {w}?", "The word {w} has how many letters?", "Give me the number of letters in {w}.")

ONSETS = "b c d f g h j k l m n p r s t v w z br cl cr dr fl gr pl pr sh sl st tr th ch".split()
VOWELS = "a e i o u a e i o u ai ea ee oo ou".split()
ENDINGS = ("", "", "", "n", "r", "s", "t", "l", "m", "p", "d", "g", "ck", "nd", "rt", "st", "y")


def coined_word(rng) -> str:
    """A pronounceable word that is in no list, so that the letter tasks generalise beyond it."""
    while True:
        word = "".join(pick(rng, ONSETS) + pick(rng, VOWELS) + pick(rng, ENDINGS) for _ in range(pick(rng, (1, 2, 2, 3))))
        if 3 <= len(word) <= 10:
            return word


def blended_word(rng) -> str:
    """The start of one word and the end of another: letters as words have them, in combinations that no list holds."""
    while True:
        first, second = pick(rng, WORDS), pick(rng, WORDS)
        word = first[:1 + int(rng.random() * len(first))] + second[int(rng.random() * len(second)):]
        if 3 <= len(word) <= 10:
            return word


def letter_word(rng, held_out: bool) -> str:
    roll = rng.random()
    if held_out or roll < 0.35:
        return pick(rng, WORDS)
    if roll < 0.8:
        return blended_word(rng)
    if roll < 0.9:
        return coined_word(rng)
    if roll < 0.95:
        return pick(rng, NAMES).lower()
    return "".join(pick(rng, "abcdefghijklmnopqrstuvwxyz") for _ in range(pick(rng, (3, 4, 5, 6, 7))))


def quoted(rng, word: str, held_out: bool) -> str:
    if not held_out and rng.random() < 0.04:
        word = word.capitalize() if rng.random() < 0.8 else word.upper()
    roll = rng.random()
    return word if roll < 0.5 else f'"{word}"' if roll < 0.8 else f"'{word}'"


def word_question(rng, held_out: bool, task: str, forms, one_in: int):
    while True:
        word = letter_word(rng, held_out)
        if held_out == is_held_out(task, word, one_in):
            return word, dress(rng, pick(rng, forms).format(w=quoted(rng, word, held_out)))


def reversing(word: str) -> str:
    back = word[::-1]
    return f"{'-'.join(word)}. Backwards: {'-'.join(back)}. So {back}."


def reverse_word(rng, held_out: bool) -> item:
    word, question = word_question(rng, held_out, "reverse_word", REVERSE, 8)
    return item("reverse_word", word, question, word[::-1], reversing(word), word)


def spell_word(rng, held_out: bool) -> item:
    word, question = word_question(rng, held_out, "spell_word", SPELL, 8)
    return item("spell_word", word, question, "-".join(word), f"The word is {word}.", word)


def word_length_of(word: str, question: str, task: str, key: str) -> item:
    thought = ", ".join(f"{c} {i + 1}" for i, c in enumerate(word)) + "."
    return item(task, key, question, f'"{word}" has {len(word)} letters.', thought, word)


def word_length(rng, held_out: bool) -> item:
    word, question = word_question(rng, held_out, "word_length", LENGTH, 8)
    return word_length_of(word, question, "word_length", word)


def count_letter(rng, held_out: bool) -> item:
    while True:
        word = letter_word(rng, held_out)
        letter = pick(rng, word) if rng.random() < 0.8 else pick(rng, "abcdefghijklmnopqrstuvwxyz")
        if held_out == is_held_out("count_letter", f"{letter} {word}"):
            break
    name = letter if rng.random() < 0.55 else f'"{letter}"' if rng.random() < 0.6 else f"'{letter}'"
    question = dress(rng, pick(rng, COUNT).format(c=name, w=quoted(rng, word, held_out)))
    count, steps = 0, []
    for c in word:
        count += c == letter
        steps.append(f"{c} {count}")
    times = "time" if count == 1 else "times"
    return item("count_letter", f"{letter} {word}", question, f'"{letter}" appears {count} {times} in "{word}".',
                f"Count {letter}: " + ", ".join(steps) + ".", word)


# Facts as JSON -------------------------------------------------------------------------------------------------------

ASK_JSON = ("Extract {k} as JSON: {s}", "Extract {k} from this sentence as JSON: {s}", "{s} Extract {k} as JSON.",
            "Return {k} as JSON. {s}", "Turn this into JSON with {k}: {s}", "Give me JSON with the keys {k}: {s}",
            "Convert to JSON with {k}: {s}", "Make a JSON object with {k} from: {s}", "Write {k} as a JSON object: {s}",
            "JSON with {k}, please: {s}", "Read this and return JSON with {k}: {s}", "From the text, extract {k} as JSON. {s}",
            "Find {k} in this text and answer in JSON: {s}", "Extract the fields {k}: {s}", "Parse into JSON ({k}): {s}",
            "I need {k} as JSON. {s}", "{s} Return a JSON object with the keys {k}.", "{s} Give me {k} as JSON.",
            "Answer with JSON only, keys {k}: {s}", "Get {k} out of this sentence as JSON: {s}", "Put {k} into JSON: {s}",
            "{s} Convert this to JSON with {k}.")

ASK_JSON_FREELY = ("Extract JSON from: {s}", "Convert to JSON: {s}", "Turn this into JSON: {s}", "{s} As JSON, please.", "Make JSON of this: {s}",
                   "Extract JSON: {s}", "Give me this as JSON: {s}", "{s} Return JSON.", "Extract the facts as JSON: {s}", "To JSON: {s}")
SENTENCES = {
    ("name", "age", "city"): (
        "{name} is {age} years old and lives in {city}.", "{name}, {age}, lives in {city}.", "My friend {name} from {city} is {age}.",
        "I am {name}, I am {age} years old and I live in {city}.", "{name} lives in {city} and is {age} years old.",
        "In {city} lives {name}, who is {age}.", "Meet {name}: {age} years old, from {city}.", "{name} ({age}) lives in {city}.",
        "At {age}, {name} moved to {city}.", "My name is {name}. I am {age} and my home is {city}."),
    ("name", "job", "city"): (
        "{name} works as a {job} in {city}.", "{name} is a {job} from {city}.", "The {job} {name} lives in {city}.",
        "{name}, a {job}, lives in {city}.", "In {city}, {name} found work as a {job}.", "I know a {job} in {city} called {name}."),
    ("name", "age", "job"): (
        "{name} is {age} and works as a {job}.", "{name}, {age}, is a {job}.", "The {job} {name} is {age} years old.",
        "At the age of {age}, {name} became a {job}.", "{name} is a {age} year old {job}."),
    ("product", "quantity", "price"): (
        "I bought {quantity} {product} for {price} euros.", "{quantity} {product} cost {price} euros.",
        "The order is {quantity} {product} at {price} dollars.", "Please send {quantity} {product} for {price} dollars.",
        "We sold {quantity} {product} for {price} pounds.", "For {price} euros you get {quantity} {product}."),
    ("name", "day", "time"): (
        "{name} comes on {day} at {time}.", "The meeting with {name} is on {day} at {time}.", "Meet {name} on {day} at {time}.",
        "On {day} at {time} I see {name}.", "{name} has an appointment on {day} at {time}.", "Call {name} at {time} on {day}."),
    ("animal", "name", "color"): (
        "My {color} {animal} is called {name}.", "{name} is a {color} {animal}.", "We have a {color} {animal} named {name}.",
        "The {animal} {name} is {color}.", "I saw {name}, the {color} {animal}."),
    ("origin", "destination", "day"): (
        "The train from {origin} to {destination} leaves on {day}.", "I fly from {origin} to {destination} on {day}.",
        "On {day} we travel from {origin} to {destination}.", "A ticket to {destination} from {origin} for {day}.",
        "{day}: bus from {origin} to {destination}."),
    ("name", "phone", "city"): (
        "{name} from {city} has the number {phone}.", "Call {name} in {city} at {phone}.", "{name}, {city}, phone {phone}.",
        "The phone number of {name} in {city} is {phone}."),
}
KINDS = tuple(SENTENCES)


def person(rng, held_out: bool) -> str:
    name = pick(rng, NAMES) if held_out or rng.random() < 0.75 else coined_word(rng).capitalize()
    return f"{name} {coined_word(rng).capitalize()}" if rng.random() < 0.15 else name


def place(rng, held_out: bool) -> str:
    return pick(rng, CITIES) if held_out or rng.random() < 0.85 else coined_word(rng).capitalize()


def clock_time(rng) -> str:
    return f"{8 + int(rng.random() * 12)}:{pick(rng, ('00', '15', '30', '45', '10', '20', '40', '50'))}"


def phone_number(rng) -> str:
    return f"555 {int(rng.random() * 10000):04d}"


FACT = {
    "name": person, "city": place, "origin": place, "destination": place,
    "age": lambda rng, _: 1 + int(rng.random() * 99), "job": lambda rng, _: pick(rng, JOBS),
    "product": lambda rng, _: pick(rng, PRODUCTS), "quantity": lambda rng, _: 2 + int(rng.random() * 98),
    "price": lambda rng, _: 1 + int(rng.random() * 500), "day": lambda rng, _: pick(rng, DAYS),
    "time": lambda rng, _: clock_time(rng), "animal": lambda rng, _: pick(rng, PETS), "color": lambda rng, _: pick(rng, COLORS),
    "phone": lambda rng, _: phone_number(rng),
}


def extract_json(rng, held_out: bool) -> item:
    while True:
        kind = KINDS[0] if rng.random() < 0.3 else pick(rng, KINDS)
        facts = {k: FACT[k](rng, held_out) for k in kind}
        key = " ".join(map(str, facts.values()))
        if held_out == is_held_out("extract_json", key) and len(set(facts.values())) == len(facts):
            break
    keys = list(kind)
    if rng.random() < 0.35:
        rng.shuffle(keys)
        keys = keys[:pick(rng, (1, 2, 2, 3, 3))]
    names = ", ".join(keys) if rng.random() < 0.5 or len(keys) == 1 else ", ".join(keys[:-1]) + " and " + keys[-1]
    forms = ASK_JSON
    if not held_out and keys == list(kind) and rng.random() < 0.12:  # without keys the answer is our choice: trained, not scored
        forms, names = pick(rng, ((ASK_JSON, pick(rng, ("the facts", "the data", "everything"))), (ASK_JSON_FREELY, "")))
    question = dress(rng, pick(rng, forms).format(k=names, s=pick(rng, SENTENCES[kind]).format(**facts)), keep_case=True)
    answer = {k: facts[k] for k in keys}
    thought = "; ".join(f"{k}: {v}" for k, v in answer.items()) + "."
    return item("extract_json", key, question, json.dumps(answer, ensure_ascii=False), thought)
