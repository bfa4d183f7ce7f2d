//! The query of a request: `name=value&…`, in which every name is known and stands once.

use crate::Refusal;

/// Longest query, in bytes.
const MAX_QUERY_BYTES: usize = 4096;

/// What was asked, not yet read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes the query apart. An empty value is as good as none, as forms send it.
    ///
    /// # Errors
    /// 400 with the parameter that stands twice or cannot be decoded.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Refusal> {
        let query = query.unwrap_or_default();
        if query.len() > MAX_QUERY_BYTES {
            return Err(Refusal::new(400, format!("the query is longer than {MAX_QUERY_BYTES} bytes")));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name, true), decode(value, true)) else {
                return Err(wrong(name, "is not percent-encoded UTF-8"));
            };
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(wrong(&name, "stands twice"));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Takes the value of a parameter, if it has one.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(index).1).filter(|value| !value.is_empty())
    }

    /// The same, read by `read`.
    ///
    /// # Errors
    /// 400 with the parameter and what it should be.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.take(name) else { return Ok(None) };
        read(&text).map(Some).ok_or_else(|| wrong(name, wanted))
    }

    /// A number from 1 to `most`, or what stands for none.
    ///
    /// # Errors
    /// 400 with the parameter.
    pub(crate) fn limit(&mut self, usual: u32, most: u32) -> Result<u32, Refusal> {
        let digits =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let wanted = format!("is a number from 1 to {most}");
        let limit =
            self.read("limit", &wanted, |text| digits(text).filter(|limit| (1..=most).contains(limit)))?;
        Ok(limit.unwrap_or(usual))
    }

    /// Text of at most `most` bytes without control characters.
    ///
    /// # Errors
    /// 400 with the parameter.
    pub(crate) fn text(&mut self, name: &str, most: usize) -> Result<Option<String>, Refusal> {
        self.read(name, &format!("has at most {most} bytes, and no NUL"), |text| {
            (text.len() <= most && !text.contains('\0')).then(|| text.to_owned())
        })
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// 400 with a parameter that this question does not have.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(wrong(name, "is no parameter of this question")),
        }
    }
}

/// 400 that names the parameter.
pub(crate) fn wrong(name: &str, why: &str) -> Refusal {
    let name: String = name.chars().take(64).map(|c| if c.is_control() { ' ' } else { c }).collect();
    Refusal::new(400, format!("{name} {why}")).with_fields([name])
}

/// A segment of a path, decoded.
pub(crate) fn segment(text: &str) -> Option<String> {
    decode(text, false).filter(|text| !text.contains('\0'))
}

fn decode(text: &str, plus_is_blank: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let high = digit()?;
                high * 16 + digit()?
            }
            b'+' if plus_is_blank => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_taken_once() {
        let mut query = Query::parse(Some("channel=%23mesh+monday&user=%F0%9F%93%BB&bot=&limit=7")).unwrap();
        assert_eq!(query.take("channel").as_deref(), Some("#mesh monday"));
        assert_eq!(query.text("user", 64), Ok(Some("📻".to_owned())));
        assert_eq!(query.take("bot"), None);
        assert_eq!(query.limit(50, 100), Ok(7));
        assert_eq!(query.limit(50, 100), Ok(50));
        assert_eq!(query.finish(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let named = |refusal: Refusal| (refusal.status, refusal.fields);
        let wrong = |name: &str| (400, vec![name.to_owned()]);
        for (query, name) in
            [("a=1&a=2", "a"), ("a=%zz", "a"), ("a=%f", "a"), ("a=%ff", "a"), ("%41%=1", "%41%")]
        {
            assert_eq!(named(Query::parse(Some(query)).unwrap_err()), wrong(name), "{query}");
        }
        for limit in ["0", "101", "-1", "+1", "1e1", "99999999999999999999", "x"] {
            let mut query = Query::parse(Some(&format!("limit={}", limit.replace('+', "%2B")))).unwrap();
            assert_eq!(named(query.limit(50, 100).unwrap_err()), wrong("limit"), "{limit}");
        }
        let mut query = Query::parse(Some("user=a%00b&other=1")).unwrap();
        assert_eq!(named(query.text("user", 64).unwrap_err()), wrong("user"));
        assert_eq!(named(query.finish().unwrap_err()), wrong("other"));
        assert_eq!(Query::parse(Some(&"x".repeat(4097))).unwrap_err().status, 400);
    }

    #[test]
    fn segments_are_decoded_and_a_plus_is_one() {
        assert_eq!(segment("a%2Fb+c%20d").as_deref(), Some("a/b+c d"));
        for wrong in ["%", "%0", "%ff", "a%00"] {
            assert_eq!(segment(wrong), None, "{wrong}");
        }
    }
}
