"""The words the offline model knows. English, general, and about no tool in particular."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in text.split(",") if phrase.strip())


def _table(text: str) -> dict[str, tuple[str, ...]]:
    rows = (line.split(":", 1) for line in text.strip().splitlines())
    return {key.strip(): (key.strip(), *sorted(_phrases(values))) for key, values in rows}


ARTICLES = word_set("a an the my our your his her their its some any this that these those")
PRONOUNS = word_set("i me we us you he him she her they them it myself yourself")
PREPOSITIONS = word_set(
    "in on at for to from of with about by into near around as over under between since until till than after before"
    " within via per inside outside regarding concerning onto containing mentioning called named titled saying"
)
QUESTIONS = word_set("what what's whats which who who's whose where where's when when's why how how's hows whether")
AUXILIARIES = word_set(
    "is are am was were be been being do does did doing done have has had having will would shall should can could may"
    " might must isn't aren't don't doesn't won't can't i'm i'd i'll i've it's that's there's he's she's we're they're"
    " you're let let's lets im gonna going"
)
POLITE = word_set(
    "please pls plz thanks thank thx kindly hi hello hey ok okay sure well so just hmm um oh dear rn morning"
)
FILLERS = word_set(
    "now right currently current today's like also too again then and or but if not no yes there here very really quite"
    " much many more most less least bit moment up out off down away back exactly approximately about roughly only even"
    " next coming past"
    " still yet already soon later ever never always same other another else instead actually rather quick"
    " quickly following latest recent one ones"
)
UNIVERSAL_VERBS = word_set(
    "get give show tell make take want need know see look help like love ask try let use go come think find check"
    " list want wants need needs looking doing going wondering wonder fetch return retrieve provide display report"
    " describe explain happen happening work working run perform execute handle read write open call"
)
COMMON_VERBS = word_set(
    "add put append insert send create make set new update change edit delete remove cancel clear search find look book"
    " order buy reserve schedule plan play stop start pause open close turn switch post publish save store"
    " record note log mark complete finish list show get tell count compare sort filter move rename copy upload"
    " download"
    " remove register write read check do compute"
)
GENERIC_NOUNS = word_set(
    "tool function user name value text item items thing things number one two data information info list result"
    " results today day such example e.g i.e optional default required given specified format string integer words word"
    " people user's day's api service kind type name's amount"
)
PRO_FORMS = word_set(
    "same something anything it this that them these those stuff things thing someone somebody somewhere there"
)

STOP = ARTICLES | PRONOUNS | PREPOSITIONS | QUESTIONS | AUXILIARIES | POLITE | FILLERS

# Words of one subject, or for one deed: a message's word counts for a tool that uses another of its line.
CONCEPTS = [
    word_set(line)
    for line in """
weather temperature rain rains rainy raining snow snows snowy snowing sunny sun cloudy wind windy storm stormy foggy
weather temperature temp temps warm cold hot chilly humid humidity umbrella coat jacket forecast climate rain
weather forecast rain rains raining snow snowing sunny storm windy cloudy
forecast tomorrow coming upcoming week weekend outlook
mail email e-mail mails emails message
message text sms msg
remind reminder reminders remember forget alarm ping nudge wake
meeting meetings appointment appointments event events calendar schedule agenda busy diary plan plans planned
note notes document documents file files memo
light lights lamp lamps lighting bulb
dim dimmer bright brighter brighten brightness
color colour
stock stocks share shares ticker equity trading trade traded
price cost quote worth price-tag rate
calculate compute calculator calculation arithmetic math maths sum plus minus multiply divide
money currency currencies dollar dollars euro euros exchange
convert conversion converter change
translate translation translator say
todo to-do todos task tasks chore chores
shopping grocery groceries
search find look lookup seek
show list display read open
add put append insert save store
add sum plus total
remove delete erase drop cancel clear
create make new schedule set record put
update edit change modify
send write compose forward
set change adjust turn switch make
turn switch
song songs music track tracks album
movie movies film films cinema
restaurant restaurants dinner lunch table
flight flights plane fly airline
hotel hotels room rooms accommodation
news headline headlines
recipe recipes cook cooking dish
timer countdown
book reserve reservation booking
order buy purchase
route directions navigate navigation
distance far
image picture photo
time clock
customer client
issue ticket bug
person contact contacts
thermostat heating
urgent important asap immediately
""".strip().splitlines()
]

# The words for one value of a closed choice.
CHOICES = [
    _phrases(line)
    for line in """
celsius, c, °c, centigrade, metric
fahrenheit, f, °f, imperial
kelvin, k, °k
metric, celsius, si
imperial, fahrenheit, us customary
USD, dollar, dollars, us dollar, us dollars, american dollars, american dollar, bucks, $, us$
EUR, euro, euros, €
GBP, pound, pounds, pound sterling, pounds sterling, british pound, british pounds, sterling, quid, £
JPY, yen, japanese yen, ¥
CHF, franc, francs, swiss franc, swiss francs
CNY, yuan, renminbi, chinese yuan, rmb
INR, rupee, rupees, indian rupee, indian rupees, ₹
CAD, canadian dollar, canadian dollars
AUD, australian dollar, australian dollars
NZD, new zealand dollar, new zealand dollars
SEK, swedish krona, swedish kronor, swedish crown, swedish crowns
NOK, norwegian krone, norwegian kroner
DKK, danish krone, danish kroner
PLN, zloty, polish zloty
CZK, czech koruna, czech crown, czech crowns
HUF, forint, forints
MXN, mexican peso, mexican pesos, peso, pesos
BRL, real, reais, brazilian real
KRW, won, korean won
TRY, turkish lira, lira
ZAR, rand, south african rand
RUB, rouble, roubles, ruble, rubles
BTC, bitcoin, bitcoins
high, urgent, important, top, critical
low, minor, unimportant
medium, normal, moderate, average
small, little, s
large, big, l
todo, to-do, to do, task, tasks, chore, chores
shopping, grocery, groceries
living room, lounge, sitting room
bathroom, bath
hallway, hall, corridor
bedroom, bed room
warm, cosy, cozy, soft
male, man, men
female, woman, women
ascending, asc, oldest first, lowest first
descending, desc, newest first, highest first
daily, every day, each day
weekly, every week, each week
monthly, every month, each month
yearly, every year, each year, annually
km, kilometer, kilometers, kilometre, kilometres
""".strip().splitlines()
]

UNDOING = word_set("delete remove erase drop cancel clear move rename undo")
ALL_WORDS = word_set("all every everywhere everything")
WRITING = word_set(
    "add append create make set send delete remove put update post book order buy schedule turn write save"
)
OFF_WORDS = word_set("off out kill disable disabled disables deactivate false stop mute close shut unlock without dark")
ON_WORDS = word_set("on enable enabled activate true start")
NOT_WORDS = word_set("not no without non don't never isn't skip exclude excluding")

# A unit's usual sign, and how else it is written.
UNITS = _table("""
km: kilometer, kilometers, kilometre, kilometres, kms
m: meter, meters, metre, metres
cm: centimeter, centimeters, centimetre, centimetres
mm: millimeter, millimeters, millimetre, millimetres
mile: miles, mi
yard: yards, yd, yds
foot: feet, ft
inch: inches
kg: kilogram, kilograms, kilo, kilos, kgs
g: gram, grams, gramme, grammes
mg: milligram, milligrams
t: ton, tons, tonne, tonnes
pound: pounds, lb, lbs
ounce: ounces, oz
stone: stones
l: liter, liters, litre, litres
ml: milliliter, milliliters, millilitre, millilitres
gallon: gallons, gal
pint: pints
cup: cups
tablespoon: tablespoons, tbsp
teaspoon: teaspoons, tsp
celsius: c, °c, centigrade, degrees celsius, degree celsius, degrees c
fahrenheit: f, °f, degrees fahrenheit, degree fahrenheit, degrees f
kelvin: k, °k
km/h: kmh, kph, kilometers per hour, kilometres per hour
mph: miles per hour
m/s: meters per second, metres per second
knot: knots
acre: acres
hectare: hectares, ha
joule: joules
kwh: kilowatt hours, kilowatt-hours
kcal: kilocalories, calories
bar: bars
psi: psi
byte: bytes
kb: kilobyte, kilobytes
mb: megabyte, megabytes
gb: gigabyte, gigabytes
tb: terabyte, terabytes
second: seconds, sec, secs
minute: minutes, min, mins
hour: hours, hr, hrs
day: days
week: weeks
month: months
year: years
percent: %, per cent, pct
degree: degrees, °
""")

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}

# Units as the last word of a key in a result.
KEY_UNITS = {
    "kmh": "km/h", "kph": "km/h", "mph": "mph", "mps": "m/s", "knots": "knots", "percent": "%", "pct": "%",
    "percentage": "%", "celsius": "°C", "fahrenheit": "°F", "kelvin": "K", "km": "km", "cm": "cm", "mm": "mm",
    "meters": "m", "metres": "m", "miles": "miles", "feet": "ft", "kg": "kg", "grams": "g", "lbs": "lb", "litres": "l",
    "liters": "l", "hpa": "hPa", "mbar": "mbar", "ms": "ms", "seconds": "seconds", "secs": "seconds",
    "minutes": "minutes", "mins": "minutes", "hours": "hours", "usd": "USD", "eur": "EUR", "gbp": "GBP",
    "jpy": "JPY", "chf": "CHF", "bytes": "bytes", "kb": "kB", "mb": "MB", "gb": "GB", "kwh": "kWh", "watts": "W",
    "degrees": "degrees", "kcal": "kcal",
}  # fmt: skip

LANGUAGES = dict(
    pair.split(":", 1)
    for pair in word_set(
        """
english:en french:fr german:de spanish:es italian:it portuguese:pt dutch:nl swedish:sv norwegian:no danish:da
finnish:fi icelandic:is polish:pl czech:cs slovak:sk hungarian:hu romanian:ro bulgarian:bg greek:el turkish:tr
russian:ru ukrainian:uk serbian:sr croatian:hr slovenian:sl lithuanian:lt latvian:lv estonian:et irish:ga
welsh:cy scottish:gd basque:eu catalan:ca galician:gl arabic:ar hebrew:he persian:fa farsi:fa hindi:hi urdu:ur
bengali:bn punjabi:pa tamil:ta telugu:te thai:th vietnamese:vi indonesian:id malay:ms tagalog:tl filipino:tl
chinese:zh mandarin:zh cantonese:yue japanese:ja korean:ko swahili:sw latin:la esperanto:eo afrikaans:af zulu:zu
mongolian:mn nepali:ne albanian:sq maltese:mt
"""
    )
)

# What may follow a place after a comma without being another place.
REGIONS = _phrases(
    """
usa, us, uk, uae, u.s, u.k, u.s.a, england, scotland, wales, northern ireland, ireland, france, germany, spain, italy,
portugal, austria, switzerland, belgium, netherlands, holland, luxembourg, denmark, norway, sweden, finland, iceland,
poland, czech republic, czechia, slovakia, hungary, romania, bulgaria, greece, turkey, russia, ukraine, serbia, croatia,
slovenia, bosnia and herzegovina, albania, lithuania, latvia, estonia, malta, cyprus, egypt, morocco, algeria, tunisia,
libya, nigeria, ghana, kenya, ethiopia, tanzania, uganda, south africa, senegal, israel, jordan, lebanon, syria, iraq,
iran, saudi arabia, united arab emirates, qatar, kuwait, india, pakistan, bangladesh, nepal, sri lanka, china, japan,
south korea, north korea, korea, taiwan, hong kong, vietnam, thailand, cambodia, laos, malaysia, singapore, indonesia,
philippines, australia, new zealand, canada, mexico, cuba, jamaica, guatemala, honduras, nicaragua, costa rica, panama,
colombia, venezuela, ecuador, peru, bolivia, chile, argentina, uruguay, paraguay, brazil, united states,
united states of america, united kingdom, great britain, trinidad and tobago, alabama, alaska, arizona, arkansas,
california, colorado, connecticut, delaware, florida, georgia, hawaii, idaho, illinois, indiana, iowa, kansas, kentucky,
louisiana, maine, maryland, massachusetts, michigan, minnesota, mississippi, missouri, montana, nebraska, nevada,
new hampshire, new jersey, new mexico, new york, north carolina, north dakota, ohio, oklahoma, oregon, pennsylvania,
rhode island, south carolina, south dakota, tennessee, texas, utah, vermont, virginia, washington, west virginia,
wisconsin, wyoming, ontario, quebec, british columbia, alberta, bavaria, catalonia, tuscany, sicily, queensland,
victoria, new south wales, tasmania, al, ak, az, ar, ca, co, ct, de, dc, fl, ga, hi, id, il, in, ia, ks, ky, la, me, md,
ma, mi, mn, ms, mo, mt, ne, nv, nh, nj, nm, ny, nc, nd, oh, ok, or, pa, ri, sc, sd, tn, tx, ut, vt, va, wa, wv, wi, wy
""".replace("\n", " ")
)

# Names with "and" in them.
JOINED_NAMES = _phrases(
    "trinidad and tobago, bosnia and herzegovina, antigua and barbuda, st kitts and nevis, johnson & johnson"
    ", procter & gamble"
    ", marks & spencer, johnson and johnson, procter and gamble, marks and spencer, ernst & young, barnes & noble"
)

FOREIGN = word_set("""
le la les un une des du est et où que qui quoi quel quelle il elle nous vous je tu dans avec pour sur bonjour merci fait
der die das ein eine ist und wie wo wer ich du wir nicht mit auf für von wird morgen heute bitte danke guten wetter
el los las una es y donde dónde qué cómo quién yo tú en con por para hola gracias hace tiempo mañana hoy está
il lo gli uno è e dove che come chi io noi di da per ciao grazie oggi domani tempo fa
o os um uma é onde como quem eu nós em com olá obrigado hoje amanhã não
de het een en waar wie hoe ik wij niet met op voor van is hallo dank vandaag weer
jest i gdzie jak kto się na nie dziś jutro pogoda w czy
är och var hur vem jag inte med på för idag imorgon väder det
""")
ENGLISH = STOP | word_set(
    "weather time day week tell show give make find search send add turn set convert translate remind what how"
    " tomorrow today price list note email light"
)
