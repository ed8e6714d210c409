"""Names of places as people write them: "paris, texas", "Paris (France)", "White Plains NY", "São Paulo"."""

import re
import unicodedata
from collections.abc import Iterable, Iterator


class UnknownPlaceError(ValueError):
    """No place is meant by what was written; the text says what to write instead."""


# Letters that Unicode does not take apart into a plain letter and an accent.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", ".": None}
)

# What people call a country, and its ISO 3166 code.
_COUNTRIES = """
us: usa, america, united states of america   gb: uk, great britain, britain   ae: uae, emirates   cd: drc, dr congo
kr: korea, south korea, republic of korea, 한국   nl: holland, netherlands, nederland   cz: czech republic, czechia
tr: turkey, turkiye   ru: russia, россия   de: deutschland   at: osterreich   ch: schweiz, suisse, svizzera   es: espana
it: italia   br: brasil   pl: polska   se: sverige   no: norge   dk: danmark   fi: suomi   jp: nippon, 日本
vn: viet nam   cn: prc, 中国   gr: hellas   hu: magyarorszag   ie: eire   ci: ivory coast   mm: burma   eg: misr
"""
# The short names of states and provinces in the United States, Canada and Australia.
_STATES = """
al: alabama   ak: alaska   az: arizona   ar: arkansas   ca: california   co: colorado   ct: connecticut   de: delaware
dc: district of columbia   fl: florida   ga: georgia   hi: hawaii   id: idaho   il: illinois   in: indiana   ia: iowa
ks: kansas   ky: kentucky   la: louisiana   me: maine   md: maryland   ma: massachusetts   mi: michigan   mn: minnesota
ms: mississippi   mo: missouri   mt: montana   ne: nebraska   nv: nevada   nh: new hampshire   nj: new jersey
nm: new mexico   ny: new york   nc: north carolina   nd: north dakota   oh: ohio   ok: oklahoma   or: oregon
pa: pennsylvania   ri: rhode island   sc: south carolina   sd: south dakota   tn: tennessee   tx: texas   ut: utah
vt: vermont   va: virginia   wa: washington   wv: west virginia   wi: wisconsin   wy: wyoming   on: ontario   qc: quebec
bc: british columbia   ab: alberta   mb: manitoba   sk: saskatchewan   ns: nova scotia   nb: new brunswick
nl: newfoundland and labrador   pe: prince edward island   nsw: new south wales   vic: victoria   qld: queensland
tas: tasmania   nt: northern territory   act: australian capital territory
"""


def folded(text: str) -> str:
    """Return the words of `text` without case, accents and punctuation, so that spellings can be compared."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    return " ".join(re.findall(r"\w+", "".join(letter for letter in letters if not unicodedata.combining(letter))))


def _pairs(table: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"\s{2,}|\n", table.strip()):
        short, names = entry.split(": ")
        for name in names.split(", "):
            yield short, folded(name)


_CODES = {name: code for code, name in _pairs(_COUNTRIES)}
_LONG = dict(_pairs(_STATES))


def readings(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield a name and what narrows it down, for each way to read `text`, the likeliest first.

    "Paris, Texas" is read in one way. "White Plains NY" may be a name as it is, or White Plains in NY.
    """
    name, *qualifiers = [part.strip() for part in re.split(r"[,;()]", text) if part.strip()] or [""]
    if not folded(name) or len(text) > 100:
        raise UnknownPlaceError('that is no name of a city; give one such as "Paris" or "Paris, France"')
    yield name, qualifiers
    words = name.split()
    for tail in (1, 2):
        if not qualifiers and len(words) > tail:
            yield " ".join(words[:-tail]), [" ".join(words[-tail:])]


def fits(qualifiers: Iterable[str], names: Iterable[str]) -> bool:
    """Tell whether each qualifier is one of the names and codes of a place's country and regions."""
    known = {folded(name) for name in names}
    return all(known & _meanings(folded(qualifier)) for qualifier in qualifiers)


def _meanings(word: str) -> set[str]:
    word = word.removeprefix("the ")
    return {word, f"the {word}", _CODES.get(word, word), _LONG.get(word, word)}


def full_name(*parts: str) -> str:
    """Return "Paris, Île-de-France, France"; what is empty or says the same again is left out."""
    return ", ".join(dict.fromkeys(part for part in parts if part))
