//! Headers with a meaning of their own, in which no value of a variable may be sent.

/// Headers that no variable may have, with the end of the message that says why, and what to write instead.
pub(super) const HEADERS: [(&[&str], &str); 4] = [
    (
        &["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
        "describes one connection and is not forwarded: write another name, such as `header = \"x-name\"`",
    ),
    (
        &[
            "accept-encoding",
            "content-encoding",
            "content-length",
            "content-range",
            "content-type",
            "expect",
            "host",
            "if-match",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "range",
        ],
        "describes one message and is not forwarded: write another name, such as `header = \"x-name\"`",
    ),
    (
        &["authorization", "cookie", "proxy-authenticate", "proxy-authorization", "set-cookie", "www-authenticate"],
        "carries credentials, which are for one destination only: write another name, such as `header = \"x-name\"`",
    ),
    (&["baggage"], "is a header that many variables share: write `baggage = \"key\"`"),
];
