"""The group's coordinator: members, epochs, assignments that move one by one (KIP-848) or all at once (classic)."""

# ruff: noqa: ARG002 -- the parameters are those of what it stands for

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from .log import Fate, Txn

Place = tuple[str, int]
"""Topic and partition."""

#: What a client says of a group that it is no member of: validated by nobody in a transaction.
NOBODY = ("", -1)


class UnknownMember(Exception):  # noqa: N818 - Kafka's name for it
    """The group does not know the member (any more), or not in this epoch."""


class OldEpoch(UnknownMember):
    """The member is known, its epoch is not the current one."""


@dataclass
class Offsets:
    """What the group has committed, and what waits for the marker of its transaction."""

    committed: dict[Place, tuple[int, str]] = field(default_factory=dict)
    pending: dict[Txn, dict[Place, tuple[int, str]]] = field(default_factory=dict)

    def is_stable(self, place: Place) -> bool:
        """Whether no transaction holds an offset for the place."""
        return not any(place in offsets for offsets in self.pending.values())

    def mark(self, txn: Txn) -> dict[Place, tuple[int, str]]:
        """The transaction's marker: its offsets count, or go. Those that count."""
        offsets = self.pending.pop(txn, {})
        if txn.fate is not Fate.COMMITTED:
            return {}
        self.committed.update(offsets)
        return offsets


@dataclass
class Member:
    """A member as the coordinator knows it."""

    member_id: str
    epoch: int = 0
    assigned: set[Place] = field(default_factory=set)
    #: Classic: whether it has joined the rebalance under way.
    has_joined: bool = True


class Answer(Enum):
    """What a heartbeat tells besides an assignment."""

    GIVE_UP_ALL = "the group rebalances: give up everything, then join"
    WAIT = "others have not joined yet"


class Group(Protocol):
    """A coordinator. `version` counts changes: a client that has seen the latest has nothing to learn."""

    version: int
    members: dict[str, Member]
    overrides: dict[Place, str]

    def join(self, member_id: str) -> None: ...
    def leave(self, member_id: str) -> None: ...
    def heartbeat(self, member_id: str, epoch: int, owned: set[Place] | None) -> tuple[int, set[Place] | Answer]: ...
    def retarget(self) -> None: ...
    def validate(self, member_id: str, epoch: int) -> None: ...


def ranges(members: list[str], places: list[Place], partitions: int, overrides: dict[Place, str]) -> dict[Place, str]:
    """The range assignor: partition p of every topic to the same member, but for what `overrides` moves elsewhere."""
    if not members:
        return {}
    wanted = {place: members[place[1] * len(members) // partitions] for place in places}
    wanted.update({place: member for place, member in overrides.items() if member in members})
    return wanted


class IncrementalGroup:
    """KIP-848: the target changes at once; each member is told what to give up, and gets what others have given up."""

    def __init__(self, places: list[Place], partitions: int) -> None:
        self._places = places
        self._partitions = partitions
        self.version = 0
        self.epoch = 0
        self.members: dict[str, Member] = {}
        self.overrides: dict[Place, str] = {}
        self._target: dict[Place, str] = {}

    def join(self, member_id: str) -> None:
        """A new member."""
        self.members[member_id] = Member(member_id)
        self.retarget()

    def leave(self, member_id: str) -> None:
        """A member leaves, or its session has ended."""
        if self.members.pop(member_id, None) is not None:
            self.retarget()

    def retarget(self) -> None:
        """Compute who shall have what, as a new epoch of the group."""
        self.epoch += 1
        self.version += 1
        self._target = ranges(sorted(self.members), self._places, self._partitions, self.overrides)

    def heartbeat(self, member_id: str, epoch: int, owned: set[Place] | None) -> tuple[int, set[Place] | Answer]:
        """The member's epoch and assignment. `owned`: what it holds, None while it is busy changing that."""
        member = self.members.get(member_id)
        if member is None or epoch not in (member.epoch, 0):
            raise UnknownMember
        wanted = {place for place, owner in self._target.items() if owner == member_id}
        keeps = member.assigned & wanted
        if keeps != member.assigned:
            # Told to give up: its epoch stays until it says that it has.
            if owned is None or not owned <= keeps:
                return member.epoch, keeps
            member.assigned = keeps
            self.version += 1
        others = {place for other in self.members.values() if other is not member for place in other.assigned}
        gets = wanted - others
        if gets != member.assigned or member.epoch != self.epoch:
            member.assigned, member.epoch = gets, self.epoch
            self.version += 1
        return member.epoch, set(gets)

    def validate(self, member_id: str, epoch: int) -> None:
        """Of offsets in a transaction: raise if they come from a member or an epoch that is not the current one."""
        if (member_id, epoch) == NOBODY:
            return
        member = self.members.get(member_id)
        if member is None:
            raise UnknownMember
        if member.epoch != epoch:
            raise OldEpoch


class ClassicGroup:
    """Everything is given up, everybody joins, a new generation gets a new assignment."""

    def __init__(self, places: list[Place], partitions: int) -> None:
        self._places = places
        self._partitions = partitions
        self.version = 0
        self.generation = 0
        self.rebalances = False
        self.members: dict[str, Member] = {}
        self.overrides: dict[Place, str] = {}

    def join(self, member_id: str) -> None:
        """Join, or join again after having given up everything."""
        member = self.members.setdefault(member_id, Member(member_id))
        if not self.rebalances:
            self._rebalance()
        member.has_joined = True
        self._complete()

    def leave(self, member_id: str) -> None:
        """A member leaves, or its session (or its time to join) has ended."""
        if self.members.pop(member_id, None) is not None:
            if not self.rebalances:
                self._rebalance()
            self._complete()

    def retarget(self) -> None:
        """A rebalance for no reason that the members know."""
        if self.members and not self.rebalances:
            self._rebalance()

    def _rebalance(self) -> None:
        self.version += 1
        self.rebalances = True
        for member in self.members.values():
            member.has_joined = False

    def _complete(self) -> None:
        self.version += 1
        if not all(member.has_joined for member in self.members.values()):
            return
        self.rebalances = False
        self.generation += 1
        target = ranges(sorted(self.members), self._places, self._partitions, self.overrides)
        for member in self.members.values():
            member.epoch = self.generation
            member.assigned = {place for place, owner in target.items() if owner == member.member_id}

    def heartbeat(self, member_id: str, epoch: int, owned: set[Place] | None) -> tuple[int, set[Place] | Answer]:
        """The generation and assignment, or that everything is to be given up."""
        member = self.members.get(member_id)
        if member is None:
            raise UnknownMember
        if self.rebalances:
            return epoch, Answer.WAIT if member.has_joined else Answer.GIVE_UP_ALL
        return member.epoch, set(member.assigned)

    def validate(self, member_id: str, epoch: int) -> None:
        """Of offsets in a transaction: a member of the current generation, or nobody at all, which is not validated."""
        if (member_id, epoch) == NOBODY:
            return
        if member_id not in self.members:
            raise UnknownMember
        if epoch != self.generation:
            raise OldEpoch
