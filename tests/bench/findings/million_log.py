"""A tenant's log of any length, laid as live consumption lays it: `python million_log.py SETTINGS.json NUMBER`.

40 subjects with seven things or more, each in 16 troubles, asked about in 16 forms with 30 openings and 24 closings;
sessions of one to six turns, users who come back. Nearly half of the questions are drawn freely, hardly one twice;
the rest are popular ones, by Zipf's law, and turns without a question. Faults are planted: two subjects fail, one is
slow, one errs with one model. The vectors are stored beforehand, as by live assignment; their time is told apart.
"""

import json
import resource
import sys
import time
from itertools import product

import numpy as np

from kaizen_api import KaizenConfig, keys
from kaizen_api.schema import Record
from kaizen_worker.engine.companion import renew
from kaizen_worker.engine.runtime import Runtime
from kaizen_worker.store.log import pack, pack_topics

BATCH = 500
START = 1_760_000_000_000_000
WEEK = 7 * 86_400_000_000
SUBJECTS = """\
garden: tomato, seedling, compost, trellis, mulch, hedge, lawn, pruner
bicycle: saddle, pedal, chain, brake, wheel, gear, tyre, lamp
bakery: oven, dough, flour, crust, yeast, mixer, tray, loaf
camera: lens, shutter, tripod, flash, sensor, filter, strap, film
harbour: ferry, anchor, tide, pier, mooring, lighthouse, crane, buoy
violin: string, bow, bridge, rosin, peg, case, tuner, chin rest
payroll: salary, payslip, bonus, pension, overtime, deduction, contract, tax form
weather: forecast, barometer, radar, rain gauge, thermometer, wind sensor, frost alarm, snow map
airport: boarding pass, gate, luggage belt, security scanner, lounge, runway, passport check, departure board
hospital: ward, nurse call, bed monitor, drip, x-ray, surgery list, visitor badge, medicine cabinet
library: book loan, reading room, catalogue, shelf, return box, library card, late fee, audiobook
kitchen: stove, fridge, kettle, dishwasher, cutting board, pan, tap, blender
laptop: battery, keyboard, trackpad, screen, charger, hinge, webcam, fan
printer: cartridge, paper tray, print queue, scanner glass, toner, drum, roller, driver
bank: debit card, account, transfer, savings plan, cheque, overdraft, loan, statement
insurance: policy, claim, premium, damage report, broker, coverage, waiver, renewal
school: timetable, homework portal, report card, classroom, exam, canteen, school bus, uniform
hotel: reservation, room key, breakfast, minibar, lobby, towel, safe, check-out
train: ticket, platform, carriage, seat reservation, timetable, conductor, dining car, rail pass
theatre: stage, curtain, costume, script, rehearsal, spotlight, box office, orchestra
zoo: elephant, penguin, aquarium, feeding time, cage, keeper, reptile house, petting area
museum: painting, audio guide, exhibit, cloakroom, sculpture, guided tour, gift shop, archive
stable: horse, bridle, hay, stall, riding lesson, hoof, paddock, groom
vineyard: grape, barrel, cellar, cork, harvest, bottle, label, vine
tailor: sleeve, button, zip, hem, fabric, pattern, lining, collar
dentist: filling, crown, toothbrush, braces, x-ray picture, dental chair, wisdom tooth, gum
pharmacy: prescription, tablet, syrup, ointment, dosage, vaccine, plaster, thermometer
gym: treadmill, dumbbell, locker, trainer, membership, yoga class, sauna, rowing machine
cinema: popcorn, trailer, subtitle, film ticket, loudspeaker, projector, premiere, seat row
post: parcel, stamp, letterbox, tracking number, courier, customs label, registered letter, postcard
plumbing: drain, boiler, pipe, valve, shower, toilet, cistern, water meter
roof: tile, gutter, chimney, skylight, insulation, solar panel, attic, leak patch
car: engine, clutch, windscreen, exhaust, gearbox, headlight, tank, number plate
phone: sim card, ringtone, voicemail, touchscreen, roaming plan, data volume, contact list, hotspot
router: wifi password, firmware, antenna, port, guest network, modem, bandwidth, signal
database: index, backup, query, table, replica, migration, schema, transaction
compiler: linker, syntax error, macro, header file, optimiser, warning, template, debugger
spreadsheet: formula, cell, chart, column, pivot table, worksheet, filter, macro button
chess: opening, bishop, endgame, clock, tournament, rating, gambit, chessboard
astronomy: telescope, planet, eclipse, comet, galaxy, moon map, star chart, meteor
"""
TROUBLES = "broken lost late cheap blocked dirty missing noisy slow empty frozen wrong double cracked stuck unsafe"
FORMS = (
    "how do i fix the {thing} when it is {trouble}",
    "why is my {thing} {trouble}",
    "the {thing} keeps being {trouble}, what helps",
    "what does it mean that the {thing} is {trouble}",
    "can you explain a {trouble} {thing}",
    "compare a {trouble} {thing} with a good {other}",
    "i need help with the {thing}, it got {trouble}",
    "is there a setting of the {thing} against {trouble} results",
    "who can repair a {trouble} {thing}",
    "write me a note about the {trouble} {thing}",
    "my {thing} is {trouble} and the {other} too",
    "where do i see whether the {thing} is {trouble}",
    "which {other} fits a {trouble} {thing}",
    "when will the {trouble} {thing} work with the {other}",
    "should i replace the {thing} or the {other} if it is {trouble}",
    "show the steps for a {trouble} {thing}",
)
OPENINGS = tuple(
    f"{hello}{reason}"
    for hello, reason in product(
        ("", "hello, ", "please, ", "quick question: ", "sorry, ", "hi there, "),
        ("", "since monday, ", "after the update, ", "on my phone, ", "at work, "),
    )
)
CLOSINGS = tuple(
    f"{when}{end}"
    for when, end in product(
        ("", " today", " again", " at night", " this week", " now"), ("", "?", " please", " thanks")
    )
)
AFTER = ("no, that's wrong", "still doesn't work", "thanks, that helped", "thank you", "that is not what i asked", "ok")
SENTENCE = (
    "The {thing} of your {subject} has a page of its own: open it, look for the part about {trouble} cases, note the "
    "number {number}, then follow the steps from one to {steps} and keep the {other} at hand. "
)
REFUSAL = "Sorry, I don't have information about that. Case {number}."
ASKING = "Which {thing} do you mean, number {number} or the other one?"


class Talk:
    """Draws the turns."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        lines = [line.partition(": ") for line in SUBJECTS.splitlines()]
        self.subjects = [(name, things.split(", ")) for name, _, things in lines]
        self.popular = [self.question(int(self.draw.integers(len(lines)))) for _ in range(20_000)]
        shares = 1 / np.arange(1, len(lines) + 1) ** 0.7
        self.shares = np.cumsum(shares / shares.sum())
        self.zipf = np.cumsum(1 / np.arange(1, 20_001))
        self.zipf /= self.zipf[-1]

    def question(self, subject: int) -> tuple[int, str, dict[str, str]]:
        """One about that subject, in any of 16 x 30 x 24 forms with 7 x 7 things and 16 troubles."""
        form, opening, closing, thing, other, trouble = self.draw.integers((16, 30, 24, 7, 7, 16)).tolist()
        name, things = self.subjects[subject]
        said = {"subject": name, "thing": things[thing], "other": things[other], "trouble": TROUBLES.split()[trouble]}
        return subject, OPENINGS[opening] + FORMS[form].format(**said) + CLOSINGS[closing], said

    def turns(self, number: int):
        """So many records, session by session; times of the sessions lie anywhere in the week."""
        left, session = number, 0
        while left:
            count = min(left, int(self.draw.integers(1, 7)))
            at, user = START + int(self.draw.integers(WEEK)), int(self.draw.zipf(1.3)) % (number // 12 + 1)
            for turn in range(count):
                yield self.turn(
                    f"{session:07x}-{turn}", at + turn * 45_000_000, f"s{session:07x}", f"u{user:07x}", turn
                )
            left, session = left - count, session + 1

    def turn(self, name: str, at: int, session: str, user: str, turn: int) -> Record:
        chance = self.draw.random(10).tolist()
        if turn and chance[0] < 0.12:
            subject, query, said = -1, AFTER[int(chance[1] * len(AFTER))], self.question(0)[2]
        elif chance[0] < 0.52:
            subject, query, said = self.question(int(np.searchsorted(self.shares, chance[1])))
        else:
            subject, query, said = self.popular[int(np.searchsorted(self.zipf, chance[1]))]
        model = "large" if chance[2] < 0.6 else "small"
        failed = chance[3] < (0.5 if subject in {5, 30} else 0.03)
        erred = chance[4] < (0.3 if subject == 12 and model == "small" else 0.01)
        number = {"number": int(chance[5] * 1e9), "steps": int(chance[6] * 40)}
        form = REFUSAL if failed else ASKING if chance[5] < 0.03 else 1 + int(chance[6] < 0.3)
        response = form if isinstance(form, str) else SENTENCE * form
        return Record(
            id=name,
            occurred_at=at,
            query=query,
            session=session,
            user=user if chance[7] < 0.9 else None,
            response=response.format(**said, **number),
            response_time=0.3 + 2.5 * chance[6] + (4.0 if subject == 20 else 0.0),
            error="timeout" if erred else "upstream" if chance[4] > 0.99 else None,
            feedback=(-1.0 if failed else 1.0) if chance[8] < 0.06 else None,
            level=0.3 + 0.6 * chance[9],
            critics={"tone": chance[3], "truth": 0.5 * chance[5] + (0.0 if failed else 0.5)},
            accepted=not failed if chance[7] < 0.3 else None,
            entry_ids=[f"e{int(chance[1] * 5000)}", f"e{int(chance[6] * 5000)}"] if chance[2] < 0.3 else None,
            model=model,
            tool=("search", "lookup", None)[int(chance[9] * 3)],
        )


def lay(tenant, records) -> set[str]:
    """Packed batches, as `store/stream.py` writes them; returns the distinct texts."""
    texts: set[str] = set()
    batch = []
    for record in records:
        texts.add(record.query)
        batch.append(record)
        if len(batch) == BATCH:
            write(tenant, batch)
            batch = []
    if batch:
        write(tenant, batch)
    return texts


def write(tenant, batch) -> None:
    topics = pack_topics([None] * len(batch), "")
    tenant.redis.xadd(keys.log(tenant.name), {"b": pack(batch), "t": topics})


config = KaizenConfig(**json.loads(sys.argv[1]))
tenant = Runtime(config).tenant(config.tenant)
began = time.monotonic()
texts = sorted(lay(tenant, Talk(int(sys.argv[2])).turns(int(sys.argv[2]))))
laid = time.monotonic()
renew(tenant, texts, tell=lambda _share, _detail: None)
embedder = tenant.embedder
for start in range(0, len(texts), 10_000):
    tenant.vectors_by(embedder).get(texts[start : start + 10_000], embedder.embed)
figures = {
    "texts": len(texts),
    "embedder": embedder.name,
    "dimension": embedder.dimension,
    "laid": laid - began,
    "embedded": time.monotonic() - laid,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}
sys.stdout.write(json.dumps(figures))
