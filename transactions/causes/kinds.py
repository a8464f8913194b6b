"""The kinds of causes, as data: what joins trouble into one, when it is worked on, who can help, what not to do."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum

from msgspec import Struct

from transactions.model import Help


class CauseKind(StrEnum):
    """What lies behind trouble."""

    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    CREDENTIALS = "credentials"
    SCOPE = "scope"
    VERSION_RETIRED = "version-retired"
    THROTTLED = "throttled"
    SLOW = "slow"
    DROPPED = "dropped"
    MATERIAL = "missing-material"
    MASTER_DATA = "master-data"
    LOT = "unknown-lot"
    UNIT = "unit"
    SCHEMA = "schema"
    MAPPING = "mapping"
    LOCKED = "locked"
    APPROVAL = "approval"
    PERIOD = "closed-period"
    RULE = "business-rule"
    CONFLICT = "conflict"
    HAND_POSTED = "hand-posted"
    PARKED = "parked"
    PARTIAL = "partial"
    NOT_APPLIED = "not-applied"
    UNCLEAR = "unclear"
    REPEATED = "repeated"
    QUANTITIES = "wrong-quantities"
    NOT_UNDONE = "not-undone"
    SUPERSEDED = "superseded"
    KNOWN = "already-there"
    MALFORMED = "malformed"


class Phase(IntEnum):
    """When a step comes, whatever cause it belongs to: what makes it worse first, what is sent last."""

    STOP = 10
    ACCESS = 20
    CAPACITY = 30
    MASTER_DATA = 40
    SOURCES = 45
    DECISIONS = 50
    CARE = 60
    LET_GO = 70
    SEND = 80
    SET_RIGHT = 90

    @property
    def title(self) -> str:
        """In words."""
        return _PHASES[self]


_PHASES = {
    Phase.STOP: "stop it",
    Phase.ACCESS: "access",
    Phase.CAPACITY: "capacity",
    Phase.MASTER_DATA: "master data",
    Phase.SOURCES: "sources",
    Phase.DECISIONS: "decisions",
    Phase.CARE: "ask, then close",
    Phase.LET_GO: "let go again",
    Phase.SEND: "send along the chain",
    Phase.SET_RIGHT: "set right",
}


class Joins(Enum):
    """What trouble of one kind has to have in common to be one cause."""

    ALL = "all"
    TARGET = "target"
    TARGET_CODE = "target and code"
    SOURCE = "source"
    SOURCE_CODE = "source and code"
    NEIGHBOURS = "target or plant"
    INSTANCES = "instances"


class Helper(Enum):
    """Whose people can help."""

    TARGET = "target"
    SOURCE = "source"
    FLOW = "flow"
    MASTER_DATA = "master-data"


class Profile(Struct, frozen=True, kw_only=True):
    """What holds for every cause of a kind.

    Attributes:
        phase: when its people are called.
        sends: the failed ones are sent again when it is mended.
        edits: their documents have to be mended before.
        harmless: nothing is owed because of it.
        mend: what its people have to do; ``{systems}``, ``{sources}``, ``{flows}``, ``{objects}`` are filled in.
    """

    help: Help
    joins: Joins
    phase: Phase
    helper: Helper
    mend: str | None
    care: tuple[str, ...]
    sends: bool = True
    edits: bool = False
    harmless: bool = False


_WORSE = "Do not replay in bulk before it answers again: that makes the queue longer."
_LOCKS = "Do not retry in a loop: refused sign-ins can lock the account."
_DOUBLES = "Never send it again blindly: it may have been posted already."

PROFILES: dict[CauseKind, Profile] = {
    CauseKind.UNREACHABLE: Profile(
        help=Help.WAIT,
        joins=Joins.INSTANCES,
        phase=Phase.ACCESS,
        helper=Helper.TARGET,
        mend="Get {systems} to answer again, or the line to it.",
        care=(_WORSE,),
    ),
    CauseKind.CERTIFICATE: Profile(
        help=Help.POLICY,
        joins=Joins.ALL,
        phase=Phase.ACCESS,
        helper=Helper.TARGET,
        mend="Renew the client certificate that {systems} wants, and have it taken there.",
        care=(_LOCKS, "Do not switch the check of certificates off."),
    ),
    CauseKind.CREDENTIALS: Profile(
        help=Help.POLICY,
        joins=Joins.TARGET,
        phase=Phase.ACCESS,
        helper=Helper.TARGET,
        mend="Renew the credentials for {systems}.",
        care=(_LOCKS,),
    ),
    CauseKind.SCOPE: Profile(
        help=Help.POLICY,
        joins=Joins.TARGET,
        phase=Phase.ACCESS,
        helper=Helper.TARGET,
        mend="Have the scope for {flows} granted at {systems}.",
        care=(_LOCKS, "Do not borrow a token that may do more."),
    ),
    CauseKind.VERSION_RETIRED: Profile(
        help=Help.POLICY,
        joins=Joins.TARGET,
        phase=Phase.ACCESS,
        helper=Helper.TARGET,
        mend="Have {flows} translated to the version that {systems} takes.",
        care=(
            "Do not move the sunset: whoever still calls the old version is translated.",
            "Do not knock at it again.",
        ),
    ),
    CauseKind.THROTTLED: Profile(
        help=Help.WAIT,
        joins=Joins.TARGET,
        phase=Phase.CAPACITY,
        helper=Helper.TARGET,
        mend="Agree with {systems} who sends how much; obey Retry-After, and throttle who can wait.",
        care=("Stop replays at it: they raise what is refused.", "Do not raise your own limit above the quota."),
    ),
    CauseKind.SLOW: Profile(
        help=Help.WAIT,
        joins=Joins.TARGET,
        phase=Phase.CAPACITY,
        helper=Helper.TARGET,
        mend="Find out why {systems} answers so late.",
        care=(_WORSE, "What got no answer may be posted: the hub asks before it sends that again."),
    ),
    CauseKind.DROPPED: Profile(
        help=Help.CARE,
        joins=Joins.TARGET,
        phase=Phase.CAPACITY,
        helper=Helper.TARGET,
        mend="Find out why {systems} breaks connections before it answers.",
        care=(_DOUBLES, "What got no answer may be posted: the hub asks before it sends that again."),
    ),
    CauseKind.MATERIAL: Profile(
        help=Help.DATA,
        joins=Joins.NEIGHBOURS,
        phase=Phase.MASTER_DATA,
        helper=Helper.MASTER_DATA,
        mend="Maintain {objects} for {places} in {systems}.",
        care=("Do not replay before it is maintained: it fails the same way.",),
    ),
    CauseKind.MASTER_DATA: Profile(
        help=Help.DATA,
        joins=Joins.TARGET_CODE,
        phase=Phase.MASTER_DATA,
        helper=Helper.MASTER_DATA,
        mend="Maintain what {systems} does not know: {objects}.",
        care=("Do not replay before it is maintained: it fails the same way.",),
    ),
    CauseKind.LOT: Profile(
        help=Help.DATA,
        joins=Joins.SOURCE,
        phase=Phase.SOURCES,
        helper=Helper.SOURCE,
        mend="Have lots at {sources} scanned or checked, so that no more come mistyped.",
        edits=True,
        care=("Do not create the mistyped lot in the target: stock would be split over two numbers.",),
    ),
    CauseKind.UNIT: Profile(
        help=Help.DATA,
        joins=Joins.SOURCE,
        phase=Phase.SOURCES,
        helper=Helper.SOURCE,
        mend="Have the unit mapped, or {sources} send one that is.",
        edits=True,
        care=("Do not convert the amount by guess: a unit off by 1,000 fails nowhere.",),
    ),
    CauseKind.SCHEMA: Profile(
        help=Help.DATA,
        joins=Joins.SOURCE_CODE,
        phase=Phase.SOURCES,
        helper=Helper.SOURCE,
        mend="Have {sources} send documents that keep to the schema again.",
        edits=True,
        care=("Do not replay them as they are: they fail the same way.",),
    ),
    CauseKind.MAPPING: Profile(
        help=Help.DATA,
        joins=Joins.TARGET_CODE,
        phase=Phase.MASTER_DATA,
        helper=Helper.TARGET,
        mend="Have what {systems} cannot map added there, or the address corrected.",
        care=("Do not replay before it is mapped: it fails the same way.",),
    ),
    CauseKind.LOCKED: Profile(
        help=Help.WAIT,
        joins=Joins.TARGET,
        phase=Phase.DECISIONS,
        helper=Helper.TARGET,
        mend="Find out who has it open in {systems}, and have it closed.",
        care=("Do not have it posted by hand meanwhile: the replay would double it.",),
    ),
    CauseKind.APPROVAL: Profile(
        help=Help.DECISION,
        joins=Joins.TARGET,
        phase=Phase.DECISIONS,
        helper=Helper.FLOW,
        mend="Get the approval that {systems} waits for.",
        care=("Do not approve it in somebody's place.",),
    ),
    CauseKind.PERIOD: Profile(
        help=Help.DECISION,
        joins=Joins.TARGET,
        phase=Phase.DECISIONS,
        helper=Helper.FLOW,
        mend="Ask finance to open the period in {systems}, or for their approval of other dates.",
        care=("Do not post it all under today's date: that moves cost between months.",),
    ),
    CauseKind.RULE: Profile(
        help=Help.DATA,
        joins=Joins.TARGET_CODE,
        phase=Phase.DECISIONS,
        helper=Helper.FLOW,
        mend="Set right in {systems} what its rule refuses: {objects}.",
        care=("Do not force it through: the rule protects stock and cost.",),
    ),
    CauseKind.CONFLICT: Profile(
        help=Help.DECISION,
        joins=Joins.TARGET_CODE,
        phase=Phase.DECISIONS,
        helper=Helper.FLOW,
        mend="Decide which side is right, {systems} or the document.",
        care=("Do not overwrite what is newer.",),
    ),
    CauseKind.HAND_POSTED: Profile(
        help=Help.CARE,
        joins=Joins.TARGET,
        phase=Phase.CARE,
        helper=Helper.TARGET,
        mend="Find out at {systems} who posts by hand, and have it stopped.",
        sends=False,
        care=("Never force the replay: it would be posted twice.",),
    ),
    CauseKind.PARKED: Profile(
        help=Help.CARE,
        joins=Joins.TARGET,
        phase=Phase.CARE,
        helper=Helper.TARGET,
        mend="Give the document numbers to the people of {systems}, who post what is parked there.",
        sends=False,
        care=("What is parked is never sent again: that doubles it.",),
    ),
    CauseKind.PARTIAL: Profile(
        help=Help.CARE,
        joins=Joins.TARGET,
        phase=Phase.CARE,
        helper=Helper.TARGET,
        mend="Give the document numbers to the people of {systems}, who post the lines that are open.",
        sends=False,
        care=("Do not send the whole document again: the lines that were taken would be posted twice.",),
    ),
    CauseKind.NOT_APPLIED: Profile(
        help=Help.CARE,
        joins=Joins.TARGET,
        phase=Phase.CARE,
        helper=Helper.TARGET,
        mend="Find out why {systems} acknowledges what it does not post.",
        care=("Ask for the document number before anything is sent again.", _DOUBLES),
    ),
    CauseKind.UNCLEAR: Profile(
        help=Help.CARE,
        joins=Joins.TARGET,
        phase=Phase.CARE,
        helper=Helper.TARGET,
        mend="Ask the people of {systems} for the document numbers.",
        sends=False,
        care=(_DOUBLES,),
    ),
    CauseKind.REPEATED: Profile(
        help=Help.CARE,
        joins=Joins.SOURCE,
        phase=Phase.SOURCES,
        helper=Helper.SOURCE,
        mend="Have {sources} stop sending what it has sent already.",
        sends=False,
        harmless=True,
        care=(
            "Do not reverse both: nothing of the event would be left. The first one stays.",
            "Do not replay the later one.",
        ),
    ),
    CauseKind.QUANTITIES: Profile(
        help=Help.DATA,
        joins=Joins.SOURCE,
        phase=Phase.SOURCES,
        helper=Helper.SOURCE,
        mend="Have the conversion corrected that {sources} reckons with.",
        sends=False,
        care=("There is nothing to replay: it is all posted. It is corrected, one linked plan for each.",),
    ),
    CauseKind.NOT_UNDONE: Profile(
        help=Help.DECISION,
        joins=Joins.TARGET_CODE,
        phase=Phase.DECISIONS,
        helper=Helper.TARGET,
        mend="Clear at {systems} what stands against the reversal, or have it reversed by hand there.",
        sends=False,
        care=("Do not post the right one beside the wrong one: that doubles it.",),
    ),
    CauseKind.SUPERSEDED: Profile(
        help=Help.NEVER,
        joins=Joins.TARGET,
        phase=Phase.SET_RIGHT,
        helper=Helper.FLOW,
        mend=None,
        sends=False,
        harmless=True,
        care=("Do not force an old version over a newer one.",),
    ),
    CauseKind.KNOWN: Profile(
        help=Help.NEVER,
        joins=Joins.TARGET,
        phase=Phase.SET_RIGHT,
        helper=Helper.FLOW,
        mend=None,
        sends=False,
        harmless=True,
        care=("Do not force it through.",),
    ),
    CauseKind.MALFORMED: Profile(
        help=Help.NEVER,
        joins=Joins.SOURCE_CODE,
        phase=Phase.SOURCES,
        helper=Helper.SOURCE,
        mend="Have {sources} send documents that can be read.",
        sends=False,
        care=("Do not send it again: nobody can read it.",),
    ),
}
