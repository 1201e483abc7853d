//! The legs of one reactor and their places in the tick.

use std::collections::HashMap;

use crate::clock::Moment;
use crate::media::stream::Stream;
use crate::telephony::LegId;

use super::port::Port;

/// Slots of a tick, 2 ms each.
pub(super) const SLOTS: usize = 10;

/// As many legs share a slot before the next is begun: the thread's waking costs more than serving them.
const SHARED: usize = 8;
/// In this order slots are begun: first every other one, at which the thread is awake anyway while calls come often.
const ORDER: [usize; SLOTS] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];

pub(super) struct Leg {
    pub id: LegId,
    pub port: Port,
    /// Our RTP port's number.
    pub number: u16,
    pub is_v6: bool,
    pub stream: Stream,
    /// How often the leg's sockets were read: RTCP's are read once in many.
    pub reads: u8,
    /// Whether the next read is to look for more than one packet.
    pub eager: bool,
    slot: u8,
    /// The leg that it is bridged with.
    with: Option<With>,
    /// Twice a tick, for packets of 10 ms.
    twice: bool,
}

/// One side of a bridge: the place of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct With {
    place: u32,
    /// Of the two one leads: both have their turn with it.
    leads: bool,
}

/// A turn of one leg, or of the two of a bridge, of which the first leads.
pub(super) struct Turn<'a> {
    pub leg: &'a mut Leg,
    pub with: Option<&'a mut Leg>,
}

/// Legs by name, and by slot.
pub(super) struct Legs {
    places: HashMap<LegId, u32>,
    legs: Vec<Option<Leg>>,
    free: Vec<u32>,
    /// The places of the legs of each slot. A leg with packets of 10 ms stands in two, half a tick apart.
    slots: [Vec<u32>; SLOTS],
}

impl Legs {
    pub fn new() -> Legs {
        Legs { places: HashMap::new(), legs: Vec::new(), free: Vec::new(), slots: Default::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty_slot(&self, slot: usize) -> bool {
        self.slots[slot].is_empty()
    }

    /// Puts a leg beside a few others, or in the emptiest slot where there are no few. One of the same name, of which there should be none, is given back.
    pub fn insert(&mut self, id: LegId, number: u16, is_v6: bool, port: Port, stream: Stream) -> Option<Leg> {
        let before = self.remove(id);
        let slot = self.slot_for_one_more();
        let twice = stream.plan().packet_ms == 10;
        self.put(Leg { id, port, number, is_v6, stream, reads: 0, eager: true, slot: slot as u8, with: None, twice });
        before
    }

    /// Takes a leg that was another reactor's. Its turn stays where it was, unless it was missed on the way: then it is
    /// that of `next`, the first slot of all that is still to come.
    pub fn adopt(&mut self, mut leg: Leg, next: u64, turn: impl Fn(u64) -> Moment) {
        if leg.stream.is_overdue(turn(next)) {
            leg.slot = (next % SLOTS as u64) as u8;
            leg.stream.shift(turn(next));
        }
        // What has come on the way waits to be read.
        leg.eager = true;
        self.put(leg);
    }

    fn put(&mut self, leg: Leg) {
        let (id, slot, twice) = (leg.id, usize::from(leg.slot), leg.twice);
        let place = self.free.pop().unwrap_or_else(|| {
            self.legs.push(None);
            (self.legs.len() - 1) as u32
        });
        self.legs[place as usize] = Some(leg);
        self.places.insert(id, place);
        self.slots[slot].push(place);
        if twice {
            self.slots[opposite(slot)].push(place);
        }
    }

    fn slot_for_one_more(&self) -> usize {
        let few = ORDER.into_iter().find(|slot| self.slots[*slot].len() < SHARED);
        few.or_else(|| (0..SLOTS).min_by_key(|slot| self.slots[*slot].len())).unwrap_or(0)
    }

    pub fn find(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs[*self.places.get(&id)? as usize].as_mut()
    }

    /// Bridges two legs, each parted from whom it was bridged with before. The second moves beside the first, so that what
    /// either says is sent to the other in the turn in which it was read. Whether both are here.
    pub fn bridge(&mut self, id: LegId, with: LegId, turn: impl Fn(usize) -> Moment) -> bool {
        let (Some(&first), Some(&second)) = (self.places.get(&id), self.places.get(&with)) else { return false };
        if first == second {
            return false;
        }
        self.unbridge(id);
        self.unbridge(with);
        let Ok([Some(leg), Some(other)]) = self.legs.get_disjoint_mut([first as usize, second as usize]) else {
            return false;
        };
        leg.with = Some(With { place: second, leads: true });
        other.with = Some(With { place: first, leads: false });
        leg.stream.bridge();
        other.stream.bridge();
        if leg.slot != other.slot {
            let (from, to) = (usize::from(other.slot), usize::from(leg.slot));
            other.slot = leg.slot;
            other.stream.shift(turn(to));
            let turns = if other.twice { 2 } else { 1 };
            // All are left before any is taken: the new ones may be the old ones, the other way round.
            for slot in [from, opposite(from)].into_iter().take(turns) {
                self.slots[slot].retain(|place| *place != second);
            }
            for slot in [to, opposite(to)].into_iter().take(turns) {
                self.slots[slot].push(second);
            }
        }
        true
    }

    /// Parts a leg from the one that it is bridged with, if it is.
    pub fn unbridge(&mut self, id: LegId) {
        let Some(leg) = self.find(id) else { return };
        let said = leg.stream.unbridge();
        let Some(with) = leg.with.take() else { return };
        let Some(Some(other)) = self.legs.get_mut(with.place as usize) else { return };
        let answered = other.stream.unbridge();
        other.stream.part(said);
        other.with = None;
        if let Some(leg) = self.find(id) {
            leg.stream.part(answered);
        }
    }

    /// A leg, and the one that it is bridged with.
    pub fn turn(&mut self, id: LegId) -> Option<Turn<'_>> {
        turn(&mut self.legs, *self.places.get(&id)?)
    }

    pub fn remove(&mut self, id: LegId) -> Option<Leg> {
        self.unbridge(id);
        let place = self.places.remove(&id)?;
        let leg = self.legs[place as usize].take()?;
        let slot = usize::from(leg.slot);
        self.slots[slot].retain(|other| *other != place);
        if leg.twice {
            self.slots[opposite(slot)].retain(|other| *other != place);
        }
        self.free.push(place);
        Some(leg)
    }

    /// Puts the leg in as many slots as its packets want, after its agreement has changed.
    pub fn settle(&mut self, id: LegId) {
        let Some(&place) = self.places.get(&id) else { return };
        let Some(leg) = &mut self.legs[place as usize] else { return };
        let twice = leg.stream.plan().packet_ms == 10;
        let other = &mut self.slots[opposite(usize::from(leg.slot))];
        if twice && !leg.twice {
            other.push(place);
        } else if leg.twice && !twice {
            other.retain(|other| *other != place);
        }
        leg.twice = twice;
    }

    /// The turns of a slot: of each leg that is alone, and of each two that are bridged.
    pub fn of_slot(&mut self, slot: usize, mut each: impl FnMut(Turn<'_>)) {
        for place in &self.slots[slot] {
            let Some(leg) = &self.legs[*place as usize] else { continue };
            // Only with packets of 10 ms does a leg have turns that the leader of the two has not.
            if let Some(With { place, leads: false }) = leg.with
                && self.legs[place as usize].as_ref().is_some_and(|leader| leader.is_in(slot))
            {
                continue;
            }
            if let Some(turn) = turn(&mut self.legs, *place) {
                each(turn);
            }
        }
    }

    /// Its promises: each leg stands in its slots, once; who is bridged, is so with one who is bridged with it, beside it in
    /// the tick; of the two one leads; and only who is bridged has a voice.
    #[cfg(test)]
    pub fn assert_consistent(&mut self) {
        for (id, place) in &self.places {
            let leg = self.legs[*place as usize].as_ref().expect("a place that is named holds a leg");
            assert_eq!(leg.id, *id);
            for (slot, places) in self.slots.iter().enumerate() {
                let times = places.iter().filter(|other| *other == place).count();
                assert_eq!(times, usize::from(leg.is_in(slot)), "{id} in slot {slot}");
            }
            if let Some(with) = leg.with {
                let other = self.legs[with.place as usize].as_ref().expect("the other is here");
                assert_eq!(other.with, Some(With { place: *place, leads: !with.leads }));
                assert_eq!(other.slot, leg.slot);
            }
        }
        assert_eq!(self.legs.iter().flatten().count(), self.places.len());
        for (slot, places) in self.slots.iter().enumerate() {
            let all = self.legs.iter().flatten().filter(|leg| leg.is_in(slot)).count();
            assert_eq!(places.len(), all, "slot {slot}");
        }
        for leg in self.legs.iter_mut().flatten() {
            let is_bridged = leg.with.is_some();
            assert_eq!(leg.stream.voice().is_some(), is_bridged);
        }
    }

    pub fn all(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.legs.iter_mut().flatten()
    }
}

impl Leg {
    /// Whether it has a turn in a slot.
    fn is_in(&self, slot: usize) -> bool {
        let own = usize::from(self.slot);
        slot == own || self.twice && slot == opposite(own)
    }
}

fn turn(legs: &mut [Option<Leg>], place: u32) -> Option<Turn<'_>> {
    let place = place as usize;
    let Some(With { place: other, .. }) = legs.get(place)?.as_ref()?.with else {
        return Some(Turn { leg: legs[place].as_mut()?, with: None });
    };
    let [leg, with] = legs.get_disjoint_mut([place, other as usize]).ok()?;
    Some(Turn { leg: leg.as_mut()?, with: with.as_mut() })
}

fn opposite(slot: usize) -> usize {
    (slot + SLOTS / 2) % SLOTS
}
