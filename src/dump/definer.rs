//! The `DEFINER` clause in the text that `SHOW CREATE` answers.

use super::converted;
use super::options::Definer;
use super::printed::quoted_both_ways;
use crate::error::Result;
use crate::ident::quote_identifier;
use crate::server::Session;

/// Applies the policy to a `CREATE` statement as the server prints it, and brings the account into
/// the character set in which the statement will be sent, if that is not Unicode's.
///
/// `known` is the definer as the catalogue has it, where the server prints it in UTF-8 all the same.
pub(super) async fn applied_in(
    session: &mut Session,
    create: &[u8],
    policy: &Definer,
    known: Option<&str>,
    charset: Option<&str>,
) -> Result<Vec<u8>> {
    let create = apply(create, policy);
    let account = match policy {
        Definer::Keep => known.map(|known| known.rsplit_once('@').unwrap_or((known, ""))),
        Definer::Strip => None,
        Definer::Replace { user, host } => Some((user.as_str(), host.as_str())),
    };
    let (Some(charset), Some((user, host))) = (charset, account) else { return Ok(create) };
    let alike = |name| converted::reads_alike(name, charset);
    let Some((before, after)) = find(&create).filter(|_| !(alike(user) && alike(host))) else {
        return Ok(create);
    };
    let printed = create.get(before.len()..create.len() - after.len()).unwrap_or_default();
    let in_utf8 =
        quoted_both_ways(user).into_iter().zip(quoted_both_ways(host)).any(|(user, host)| {
            let account = if host.len() == 2 { user } else { format!("{user}@{host}") };
            printed == format!("DEFINER={account} ").as_bytes()
        });
    if !in_utf8 {
        return Ok(create);
    }
    let mut clause = b"DEFINER=".to_vec();
    clause.extend(converted::identifier(session, user, charset).await?);
    if !host.is_empty() {
        clause.push(b'@');
        clause.extend(converted::identifier(session, host, charset).await?);
    }
    clause.push(b' ');
    Ok([before, clause.as_slice(), after].concat())
}

/// Applies the policy to a `CREATE` statement as the server prints it.
///
/// The server prints the clause in one place only: among the words between `CREATE` and the
/// keyword of the object, before any name or text of a user. So the search stops at the first
/// thing that is neither such a word nor the clause itself, and can never touch a body.
fn apply(create: &[u8], policy: &Definer) -> Vec<u8> {
    let clause = match policy {
        Definer::Keep => None,
        Definer::Strip => Some(String::new()),
        Definer::Replace { user, host } => {
            Some(format!("DEFINER={}@{} ", quote_identifier(user), quote_identifier(host)))
        }
    };
    match (clause, find(create)) {
        (Some(clause), Some((before, after))) => [before, clause.as_bytes(), after].concat(),
        _ => create.to_vec(),
    }
}

/// Splits a statement around `DEFINER=…` and the blank behind it.
fn find(create: &[u8]) -> Option<(&[u8], &[u8])> {
    const CLAUSE: &[u8] = b"DEFINER=";
    let mut at = 0;
    loop {
        let rest = create.get(at..)?;
        if let Some(account) = rest.strip_prefix(CLAUSE) {
            let length = account_length(account)?;
            let after = account.get(length..)?;
            return Some((create.get(..at)?, after.strip_prefix(b" ").unwrap_or(after)));
        }
        let word = rest.iter().position(|&byte| byte == b' ')?;
        let known = match rest.get(..word)? {
            b"CREATE" | b"OR" | b"REPLACE" | b"AGGREGATE" => true,
            word => word.starts_with(b"ALGORITHM="),
        };
        if !known {
            return None;
        }
        at += word + 1;
    }
}

/// The length of a quoted account: `` `user`@`host` ``, or a role's name alone. A program that was
/// created under `ANSI_QUOTES` is printed under it, with double quotes in place of backticks.
fn account_length(account: &[u8]) -> Option<usize> {
    let user = quoted_length(account)?;
    match account.get(user) {
        Some(b'@') => Some(user + 1 + quoted_length(account.get(user + 1..)?)?),
        _ => Some(user),
    }
}

/// The length of a quoted identifier, in which a doubled quote stands for one.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let (&quote, mut rest) = text.split_first()?;
    if !matches!(quote, b'`' | b'"') {
        return None;
    }
    let mut length = 1;
    loop {
        let at = memchr::memchr(quote, rest)?;
        length += at + 1;
        rest = rest.get(at + 1..)?;
        match rest.strip_prefix(&[quote]) {
            Some(more) => {
                length += 1;
                rest = more;
            }
            None => return Some(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(create: &str) -> String {
        String::from_utf8(apply(create.as_bytes(), &Definer::Strip)).unwrap()
    }

    /// S17.
    #[test]
    fn the_clause_is_found_behind_other_words() {
        assert_eq!(
            strip("CREATE ALGORITHM=MERGE DEFINER=`a b`@`%` SQL SECURITY INVOKER VIEW `v` AS x"),
            "CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW `v` AS x"
        );
        assert_eq!(
            strip("CREATE DEFINER=`we``ird @`@`h` PROCEDURE `p`() x"),
            "CREATE PROCEDURE `p`() x"
        );
        assert_eq!(strip("CREATE DEFINER=`role` FUNCTION f() x"), "CREATE FUNCTION f() x");
    }

    /// S17.
    #[test]
    fn a_clause_in_double_quotes_is_found() {
        assert_eq!(
            strip("CREATE DEFINER=\"ro\"\"o`t\"@\"h`\" PROCEDURE \"p\"() x"),
            "CREATE PROCEDURE \"p\"() x"
        );
        assert_eq!(strip("CREATE DEFINER=\"role\" FUNCTION f() x"), "CREATE FUNCTION f() x");
        // An unfinished quote, and no quote at all.
        for create in ["CREATE DEFINER=\"root@localhost PROCEDURE p() x", "CREATE DEFINER=r x"] {
            assert_eq!(strip(create), create);
        }
    }

    /// S17.
    #[test]
    fn a_body_that_speaks_of_definers_is_left_alone() {
        let create = "CREATE PROCEDURE `p`() SELECT 'DEFINER=`a`@`b` '";
        assert_eq!(strip(create), create);
        let view = "CREATE VIEW `DEFINER=` AS select 1 AS `DEFINER=`";
        assert_eq!(strip(view), view);
    }

    /// S17.
    #[test]
    fn another_account_takes_its_place() {
        let policy = Definer::Replace { user: "o`x".into(), host: "%".into() };
        let create = apply(b"CREATE DEFINER=`root`@`localhost` EVENT `e` ON", &policy);
        assert_eq!(create, b"CREATE DEFINER=`o``x`@`%` EVENT `e` ON");
    }
}
