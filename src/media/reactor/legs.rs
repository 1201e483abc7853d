//! The legs of one reactor and their places in the tick.

use std::collections::HashMap;

use crate::media::stream::Stream;
use crate::telephony::LegId;

use super::port::Port;

/// Slots of a tick, 2 ms each.
pub(super) const SLOTS: usize = 10;

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
    /// Twice a tick, for packets of 10 ms.
    twice: bool,
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

    /// Puts a leg in the emptiest slot. One of the same name, of which there should be none, is given back.
    pub fn insert(&mut self, id: LegId, number: u16, is_v6: bool, port: Port, stream: Stream) -> Option<Leg> {
        let before = self.remove(id);
        let slot = (0..SLOTS).min_by_key(|slot| self.slots[*slot].len()).unwrap_or(0);
        let twice = stream.plan().packet_ms == 10;
        let leg = Leg { id, port, number, is_v6, stream, reads: 0, eager: true, slot: slot as u8, twice };
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
        before
    }

    pub fn find(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs[*self.places.get(&id)? as usize].as_mut()
    }

    pub fn remove(&mut self, id: LegId) -> Option<Leg> {
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

    /// The legs of a slot.
    pub fn of_slot(&mut self, slot: usize, mut each: impl FnMut(&mut Leg)) {
        for place in &self.slots[slot] {
            if let Some(leg) = &mut self.legs[*place as usize] {
                each(leg);
            }
        }
    }

    pub fn all(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.legs.iter_mut().flatten()
    }
}

fn opposite(slot: usize) -> usize {
    (slot + SLOTS / 2) % SLOTS
}
