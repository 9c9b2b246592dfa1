"""Which sensitivity labels answers carry: set by the server from section, code and answer.

A negative and a declined answer carry the label too: that somebody declined an HIV test is HIV information. Labels of
a form are those of all its words, of every source, so answering more never takes one away.
"""

from service.intake.medical.answer import Answer, Sheet, matches
from service.intake.medical.book import Absent, Form, MedicalBook, Question, Section
from service.labels import Label

#: These say that the question was put, and to the one who does not answer it may apply.
_TELLING = (Absent.DECLINED, Absent.UNKNOWN)


def labels_of(book: MedicalBook, section: Section, form: Form, sheet: Sheet) -> frozenset[Label]:
    """The labels of one item: its section's, each answer's, and its ingredient's."""
    found = set(section.labels)
    for key, answer in sheet:
        question = form.find(key)
        if question is not None:
            found |= _of_answer(question, answer)
    for name in {name for part in ingredients_of(sheet) for name in _words(part)}:
        if name in book.ingredients:
            found |= book.ingredients[name].labels
    return frozenset(found)


def ingredients_of(sheet: Sheet) -> frozenset[str]:
    """Ingredients as given, in lower case; of a combination each ("emtricitabine / tenofovir")."""
    parts: set[str] = set()
    for key, answer in sheet:
        if key == "ingredient" and isinstance(answer.value, str):
            spaced = answer.value.lower()
            for between in (" and ", "+", ",", ";", " with "):
                spaced = spaced.replace(between, "/")
            parts |= {" ".join(part.split()) for part in spaced.split("/")}
    return frozenset(parts - {""})


def unknown_ingredients(book: MedicalBook, sheet: Sheet) -> bool:
    """An ingredient that is not in the table: no extra label, and somebody looks at it."""
    return any(not _words(part) & book.ingredients.keys() for part in ingredients_of(sheet))


def groups_of(book: MedicalBook, sheet: Sheet) -> frozenset[str]:
    """The groups rules ask for (opioid, benzodiazepine) of a medicine's ingredients."""
    names = {name for part in ingredients_of(sheet) for name in _words(part)} & book.ingredients.keys()
    return frozenset(group for name in names if (group := book.ingredients[name].group))


def _words(part: str) -> frozenset[str]:
    """An ingredient and each word of it: a salt ("buprenorphine hydrochloride") is known by its ingredient."""
    return frozenset({part, *part.replace("-", " ").split()})


def _of_answer(question: Question, answer: Answer) -> frozenset[Label]:
    found = set(question.labels)
    for consequence in question.consequences:
        if answer.absent in _TELLING or (answer.absent is None and matches(answer.value, consequence.values)):
            found |= consequence.labels
    return frozenset(found)
