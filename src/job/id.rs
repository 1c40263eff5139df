//! What a job is called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The bits of an id behind its time in milliseconds (RFC 9562, UUID version 7).
const RANDOM_BITS: u32 = 80;

/// The name of a job: unique on all hosts. Those of one directory are sorted by their starts, also
/// when the clock has been set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    pub(super) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// A new one that is sorted behind `last`, even if the clock says that it is earlier.
    pub(super) fn after(last: Option<Self>) -> Self {
        let new = Self::new();
        match last {
            // The time of the last one and a millisecond, with random bits of its own.
            Some(last) if last >= new => {
                let time = (last.0.as_u128() >> RANDOM_BITS).wrapping_add(1) << RANDOM_BITS;
                let random = new.0.as_u128() & ((1 << RANDOM_BITS) - 1);
                Self(Uuid::from_u128(time | random))
            }
            _ => new,
        }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Reads an id as `Display` prints it.
impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, JobIdError> {
        // Other notations of the same number would be other file names.
        let id = Uuid::parse_str(text).map(Self).map_err(|_| JobIdError)?;
        if id.to_string() == text { Ok(id) } else { Err(JobIdError) }
    }
}

/// A text that is no id of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the id of a job")]
pub struct JobIdError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_id_is_greater_whatever_the_clock_says() {
        let future = JobId(Uuid::from_u128(JobId::new().0.as_u128() | (1 << 126)));
        let mut last = future;
        for _ in 0..3 {
            let next = JobId::after(Some(last));
            assert!(next > last && next.0.get_version_num() == 7, "{last} {next}");
            assert_eq!(next.to_string().parse(), Ok(next));
            last = next;
        }
        let new = JobId::new();
        assert!(JobId::after(Some(new)) > new && JobId::after(None) > new);
        assert!(JobId::after(Some(new)) < future);
    }

    #[test]
    fn an_id_is_read_as_it_is_printed() {
        let id = JobId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        for text in ["", "x", "../x", &id.to_string().to_uppercase(), &format!("{{{id}}}")] {
            assert_eq!(text.parse::<JobId>(), Err(JobIdError), "{text}");
        }
    }
}
