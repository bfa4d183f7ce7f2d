//! Passwords as Mosquitto keeps them: `$7$iterations$salt$hash`, PBKDF2 with HMAC-SHA-512.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha512;

/// Mosquitto's own number. The passwords have 128 random bits, which no number of guesses reaches.
const ITERATIONS: u32 = 101;

/// A new password, and what is kept of it.
pub(super) fn mint() -> io::Result<(String, String)> {
    let (mut random, mut salt) = ([0_u8; 16], [0_u8; 12]);
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    let password = format!("{:032x}", u128::from_be_bytes(random));
    let hash = hashed(&password, &salt)?;
    Ok((password, hash))
}

fn hashed(password: &str, salt: &[u8]) -> io::Result<String> {
    let key = Hmac::<Sha512>::new_from_slice(password.as_bytes()).map_err(io::Error::other)?;
    let step = |input: &[&[u8]]| {
        let mut step = key.clone();
        input.iter().for_each(|part| step.update(part));
        step.finalize().into_bytes()
    };
    // The hash is as long as one block, so that there is only the first.
    let mut last = step(&[salt, &1_u32.to_be_bytes()]);
    let mut sum = last;
    for _ in 1..ITERATIONS {
        last = step(&[&last]);
        sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
    }
    Ok(format!("$7${ITERATIONS}${}${}", STANDARD.encode(salt), STANDARD.encode(sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python's `hashlib.pbkdf2_hmac("sha512", b"swordfish", b"twelve bytes", 101)`.
    #[test]
    fn a_hash_is_the_one_that_others_compute() {
        assert_eq!(hashed("swordfish", b"twelve bytes").unwrap(), KNOWN);
    }

    const KNOWN: &str = "$7$101$dHdlbHZlIGJ5dGVz$mMhwEexMYZ1erkT/moNDCQ0qOa8tI4Tnl53jIXW1OCvSkSQPHR9EyJ0RBUdF81QhIypPB/FGUPY7B9AAsi88ow==";

    #[test]
    fn no_two_passwords_are_alike() {
        let ((one, one_hash), (two, two_hash)) = (mint().unwrap(), mint().unwrap());
        assert!(one != two && one_hash != two_hash && one.len() == 32);
    }
}
