"""Regular expressions mean what Java means by them, or are refused."""

import pytest

from ovis.engine.resources.custom_properties.patterns import Untranslatable, compiled, matches
from ovis.engine.resources.custom_properties.settings import KEYS


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("^(true|false)$", "true", True),
        ("^(true|false)$", "true\n", False),  # the whole value, with its last line's end
        ("true", "untrue", False),
        ("a|ab", "ab", True),
        (".*", "a\u2028b", False),
        (".*", "a\rb", False),
        ("(?s).*", "a\nb", True),
        ("(?s:.)(.)", "\n\n", False),
        (r"\d+", "٣", False),  # ASCII digits alone
        (r"\w", "é", False),
        (r"\s+", " \t\n\x0b\f\r", True),
        (r"\s", "\x1c", False),
        ("a++b", "aab", True),
        ("a++ab", "aaab", False),  # possessive: gives nothing back
        ("(?>a|ab)c", "abc", False),
        ("(?i)YES", "yes", True),
        ("(?i)É", "é", False),  # ignoring case is for ASCII
        ("((?i)a)b", "Ab", True),
        ("((?i)a)b", "AB", False),
        ("(?i:a(?-i)b)", "Ab", True),
        ("(?i:a(?-i)b)", "AB", False),
        (r"(?<n>.)\k<n>", "xx", True),
        (r"(.)\1", "xy", False),
        (r"\p{Alpha}+\p{XDigit}", "abF", True),
        (r"\P{Digit}", "5", False),
        (r"[\p{Lower}\d_]+", "a_1", True),
        (r"[^\p{Upper}]", "A", False),
        (r"\Qa.b\E+", "a.bb", True),
        (r"\Q[", "[", True),
        (r"[\Q^-]\E]+", "^-]", True),
        (r"\x41\u0042\x{1F600}\0103", "AB\U0001f600C", True),
        (r"\e\cA\t", "\x1b\x01\t", True),
        (r"\h\v\H\V", "\xa0\u2029ab", True),
        (r"a\R", "a\r\n", True),
        (r"a\z", "a", True),
        (r"a\Z\n", "a\n", True),
        (r"[\[\]]+", "[]", True),
        ("[^]]", "]", False),
        ("[a-c&]+", "b&", True),
        (r"^[^\s=]+=[^\s=]+(\s+[^\s=]+=[^\s=]+)*$", "a=1 b=2", True),
        ("x{2,3}", "xxxx", False),
        ("(?=.*a)(?!b).+(?<=a)", "cca", True),
        ("", "", True),
    ],
)
def test_values_fit_as_a_whole_and_as_in_java(pattern: str, value: str, fits: bool) -> None:
    assert matches(pattern, value) is fits


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("[a-z&&[^b]]", "intersection"),
        ("[a[b]]", "class inside a class"),
        (r"\p{L}", "these can"),
        (r"\X", "cannot be used"),
        (r"\G", "cannot be used"),
        (r"[\H]", "inside a class"),
        ("(?m)^a$", "flag m"),
        ("(?x) a", "flag x"),
        ("a|(?i)b|c", "alternatives"),
        (r"\b{g}", "cannot be used"),
        ("(", "no regular expression"),
        ("a)", "closes nothing"),
        ("[a", "not closed"),
        ("*", "no regular expression"),
        ("a\\", "backslash"),
        (r"\xZ1", "hexadecimal"),
        (r"\u12", "hexadecimal"),
        (r"\09", "octal"),
        ("(?<1a>b)", "group's name"),
        (r"\k<no>", "no regular expression"),
        ("(?<=a+)b", "no regular expression"),
        ("(?P<a>b)", "begins no group"),
        ("(?#comment)", "begins no group"),
    ],
)
def test_what_cannot_be_said_or_is_wrong_is_refused_with_words(pattern: str, words: str) -> None:
    with pytest.raises(Untranslatable, match=words):
        compiled(pattern)


def test_everything_shipped_is_understood() -> None:
    for key in KEYS.values():
        for level in ((4, 2), (4, 8)):
            key.parse(key.shipped(level))
