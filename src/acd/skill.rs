//! What agents know and callers want.

use super::ids::SkillId;

/// As many skills may one caller want, or one agent have; more are left out. That is one more than flows can name.
pub const SKILLS_MAX: usize = 33;

/// As many times may a caller's wants relax.
pub const RELAXATIONS_MAX: usize = 8;

/// The skills of an agent with their levels, or those that a caller wants with the least level of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skills {
    /// One bit for each skill modulo 64, so that most who lack a skill are passed over at a glance.
    mask: u64,
    /// By skill; levels from 1 (a little) to 255 (best).
    levels: Vec<(SkillId, u8)>,
}

impl Skills {
    /// Of a skill named twice the higher level counts; at most [`SKILLS_MAX`] are kept.
    pub fn new(levels: impl IntoIterator<Item = (SkillId, u8)>) -> Skills {
        let mut levels: Vec<(SkillId, u8)> = levels.into_iter().collect();
        levels.sort_by_key(|(skill, level)| (*skill, std::cmp::Reverse(*level)));
        levels.dedup_by_key(|(skill, _)| *skill);
        levels.truncate(SKILLS_MAX);
        let mask = levels.iter().fold(0, |mask, (skill, _)| mask | 1 << (skill.0 % 64));
        Skills { mask, levels }
    }

    /// Whether nothing is known, or wanted.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// The skills with their levels, in order.
    pub fn levels(&self) -> impl Iterator<Item = (SkillId, u8)> + '_ {
        self.levels.iter().copied()
    }

    /// The skills in `wanted` that are missing here, or below their least level.
    pub(super) fn lacking<'w>(&'w self, wanted: &'w Skills) -> impl Iterator<Item = SkillId> + 'w {
        let has = |skill: SkillId, least: u8| self.levels.iter().any(|(own, level)| *own == skill && *level >= least);
        wanted.levels.iter().filter(move |(skill, least)| !has(*skill, *least)).map(|(skill, _)| *skill)
    }

    /// How well who knows this serves who wants `wanted`: the sum of the levels in what is wanted, or `None` when a
    /// skill is missing or below its least level. Who wants nothing is served equally by all: 0.
    pub fn fit(&self, wanted: &Skills) -> Option<u32> {
        if wanted.mask & !self.mask != 0 {
            return None;
        }
        let mut sum = 0;
        for (skill, least) in &wanted.levels {
            let at = self.levels.binary_search_by_key(skill, |(own, _)| *own).ok()?;
            let level = self.levels[at].1;
            if level < *least {
                return None;
            }
            sum += u32::from(level);
        }
        Some(sum)
    }
}

/// What a caller wants of the agent, now and after having waited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// From the beginning.
    pub at_first: Skills,
    /// What is wanted instead after so long a wait since the place time, in order of time.
    pub later: Vec<(std::time::Duration, Skills)>,
}

impl Wants {
    /// What is wanted in the `stage`th stage: 0 is the first.
    pub(super) fn stage(&self, stage: usize) -> &Skills {
        if stage == 0 { &self.at_first } else { &self.later[stage - 1].1 }
    }

    pub(super) fn bounded(mut self) -> Wants {
        self.later.sort_by_key(|(after, _)| *after);
        self.later.truncate(RELAXATIONS_MAX);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wanted_must_be_there_at_its_level() {
        let skills = |levels: &[(u16, u8)]| Skills::new(levels.iter().map(|(skill, level)| (SkillId(*skill), *level)));
        for (own, wanted, fit) in [
            (&[][..], &[][..], Some(0)),
            (&[(1, 5)], &[], Some(0)),
            (&[(1, 5)], &[(1, 1)], Some(5)),
            (&[(1, 5), (1, 7)], &[(1, 6)], Some(7)),
            (&[(1, 5)], &[(1, 6)], None),
            (&[(1, 5)], &[(2, 1)], None),
            (&[(1, 5)], &[(65, 1)], None), // the same bit, another skill
            (&[(1, 5), (2, 3), (9, 9)], &[(1, 1), (2, 1)], Some(8)),
        ] {
            assert_eq!(skills(own).fit(&skills(wanted)), fit, "{own:?} for {wanted:?}");
        }
    }
}
