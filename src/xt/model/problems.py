"""What a problem in a record can be about: `where` of `xt.model.files.Problem`, in the order of a record."""

from __future__ import annotations

#: Stable words, as the codes of errors are: the message may change, the word does not.
SECTIONS = {
    "command": "What the command is, or how it ended in its container, is not certain.",
    "code": "The snapshot of the code lacks something, or may be a mixture of two.",
    "inputs": "Content of an input is not known: it changed while it was read, or cannot be read.",
    "params": "Settings could not be read, or a program reports others than were declared.",
    "facts": "A declared fact is not as it could be.",
    "environment": "Packages, a lock file or variables could not be read, or may hold a secret.",
    "context": "Circumstances, such as the run that started this one, are not known.",
    "log": "Not all of what the command wrote was kept.",
    "outputs": "A declared output is missing, was not stored, or changed meanwhile.",
    "metrics": "Metrics or cases could not be read, in part or at all.",
    "store": "The store was moved or removed while the command ran, and was made again.",
    "rank": "A rank of a launcher is lost, or still runs.",
    "capture": "What was to be looked at beside the command was not, by a mistake of xt.",
    "record": "The record itself holds less than it should.",
}
