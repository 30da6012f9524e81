"""Words by which streets are known, as postal services list them."""

from __future__ import annotations

from functools import lru_cache

from slates.wordlists import words

TYPES = words("""
    alley aly anex annex arcade avenue ave av bayou beach bend bluff bluffs bottom boulevard blvd
    branch bridge brook brooks burg burgs bypass camp canyon cape causeway center centers circle
    circles cliff cliffs club common commons corner corners course court courts ct cove coves creek
    crescent cres crest crossing crossroad curve dale dam divide drive drives dr estate estates
    expressway expy extension extensions fall falls ferry field fields flat flats ford fords forest
    forge forges fork forks fort freeway fwy garden gardens gateway glen glens green greens grove
    groves harbor harbors haven heights highway hwy hill hills hollow inlet island islands isle
    junction junctions key keys knoll knolls lake lakes land landing lane ln light lights loaf lock
    locks lodge loop mall manor manors meadow meadows mews mill mills mission motorway mount
    mountain mountains neck orchard oval overpass park parks parkway parkways pkwy pass passage path
    pike pine pines place pl plain plains plaza point points port ports prairie radial ramp ranch
    rapid rapids rest ridge ridges river road roads rd route row rue run shoal shoals shore shores
    skyway spring springs spur spurs square squares sq station stravenue stream street streets st
    summit terrace ter throughway trace track trafficway trail trailer tunnel turnpike underpass
    union unions valley valleys via viaduct view views village villages ville vista walk walks wall
    way ways well wells close broadway quay parade esplanade promenade
    """)
"""Behind the name, in English (United States Postal Service, Publication 28, C1; a few of other
English-speaking countries)."""
SURE = words("""
    avenue ave boulevard blvd close court crescent drive expressway highway hwy lane ln parkway
    pkwy place road rd square street st terrace turnpike way
    """)
"""Those that say by themselves that a street is meant, without a number."""
FOREIGN = words("""
    rue avenue boulevard quai chemin allée allee impasse route passage
    calle c avenida avda paseo plaza camino carrera
    rua av travessa largo praça praca estrada
    via viale piazza corso strada vicolo largo contrada
    strasse straße str platz weg gasse allee ring ufer damm
    straat laan weg plein gracht dreef dijk kade singel baan steenweg
    vej gade allé plads stræde torv vænge gata gate vei veien gaten terrasse plass
    väg vägen gatan gränd torg stig katu tie kuja polku
    ulica ul ulice trg cesta nábřeží náměstí třída plac aleja al os put
    utca u út útja tér köz körút krt kapu sor sétány
    ulitsa prospekt prospect pereulok odos leoforos cadde sokak strada bulevardul
    """)
"""Before or behind the name, in other languages."""
_ENDINGS = (
    *("gade", "vej", "vejen", "allé", "vænget", "vænge", "stræde", "torv", "torvet", "parken"),
    *("gata", "gatan", "gate", "gaten", "veien", "vegen", "vägen", "backen", "gränd", "stien"),
    *("katu", "tie", "kuja", "polku", "straat", "laan", "weg", "plein", "gracht", "dreef", "dijk"),
    *("kade", "singel", "steenweg", "strasse", "straße", "str", "gasse", "platz", "allee", "damm"),
    *("ufer", "brücke", "steig", "ring", "bakken", "haugen", "holmen", "stígur", "vegur", "braut"),
)
UNITS = words("apt apartment suite ste unit flat appartement appt wohnung piso lejlighed")
"""Before the number of a part of a house."""
LINKS = words(
    "de des du del della delle dei da das do dos di la le les el los las of the van von der den "
    "ten ter af og und y e et zur zum am an in"
)
"""Small words inside of names of streets."""


@lru_cache(maxsize=10_000)
def is_street(word: str) -> bool:
    """
    Does the word say that a street is meant?

    >>> is_street("Road"), is_street("Kiannonkatu"), is_street("Dune")
    (True, True, False)
    """
    small = word.lower()
    return small in TYPES or is_foreign_street(small)


@lru_cache(maxsize=10_000)
def is_foreign_street(small: str) -> bool:
    """The same for other languages than English, where the type may be a word's ending."""
    if small in FOREIGN:
        return True
    return any(small.endswith(ending) and len(small) > len(ending) + 2 for ending in _ENDINGS)
