"""What is taken out of kept text, and what is not.

Only the text itself; that evidence goes through `redact` is tested with what makes evidence.
"""

from __future__ import annotations

import itertools
import re
import string
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarpod.contract.known_secrets import HIDDEN, secret_values, without
from polarpod.contract.redact import _PASSES, Redactor, _fold, redact

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
# what S3 answers to a signature made with another secret, shortened
DENIED = (
    "<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match.</Message>"
    "<AWSAccessKeyId>labaccess</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256\n20261121T084213Z\nlab</StringToSign>"
    "<SignatureProvided>9f86d081884c7d65</SignatureProvided><RequestId>4442587FB7D0A2F9</RequestId></Error>"
)

# the headers of a key with a passphrase (RFC 1421)
PROC_TYPE = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123456789ABCDEF\n\n"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("aws_secret_access_key=hunter2", "hunter2", id="an assignment"),
        pytest.param("{'aws_secret_access_key': 'hunter2', 'region': 'x'}", "hunter2", id="a Python dict"),
        pytest.param('{"password": "hun\\"ter2"}', "ter2", id="JSON with an escaped quote"),
        pytest.param('"{\\"token\\":\\"hunter2\\"}"', "hunter2", id="JSON inside JSON"),
        pytest.param('AmazonS3Config { token: "hunter2', "hunter2", id="a quote cut off before its end"),
        pytest.param("PGPASSWORD=hunter,2&3 psql", "hunter,2&3", id="an unquoted password with odd characters"),
        pytest.param("X-Api-Key: hunter2", "hunter2", id="a header"),
        pytest.param("Authorization: Bearer hunter2.abc", "hunter2", id="a bearer token"),
        pytest.param("Authorization: AWS4-HMAC-SHA256 Credential=AK/eu, Signature=beef", "beef", id="a signed header"),
        pytest.param("GET https://b/k?X-Amz-Signature=beef&X-Amz-Expires=9", "beef", id="a presigned URL"),
        pytest.param("GET https://b/k?X-Amz-Credential=AK%2F2026&a=b", "AK%2F2026", id="a presigned URL's credential"),
        pytest.param("postgres://etl:hunter2@db:5432/x", "hunter2", id="user and password in a URL"),
        pytest.param("postgres://etl:hun@t/er2@db/x", "er2", id="an unescaped password in a URL"),
        pytest.param("https://hunter2@host/repo.git", "hunter2", id="a token as the user of a URL"),
        pytest.param("key AKIAIOSFODNN7EXAMPLE refused", "IOSFODNN7EXAMPLE", id="an access key id"),
        pytest.param(f"signing with {SECRET} failed", SECRET, id="an AWS secret without its name"),
        pytest.param("cookie eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", "eyJzdWIi", id="a JSON web token"),
        pytest.param("remote: ghp_abcdefghijklmnopqrstu", "abcdefghijklmnopqrstu", id="a GitHub token"),
        pytest.param("slack xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oO", "pdFZKVeTuE8sk7oO", id="a Slack token"),
        pytest.param("client sk-proj-abcdEFGH_1234-ijklMNOP5678", "ijklMNOP5678", id="a key of a project at OpenAI"),
        pytest.param("client sk-abcdEFGH1234ijklMNOP5678", "ijklMNOP5678", id="a key of OpenAI"),
        pytest.param("https://a.blob.core/x?sv=2024&sig=aB%2Fc%3D&se=1", "aB%2Fc%3D", id="the signature of an Azure SAS"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow", id="a key file"),
        pytest.param(f"-----BEGIN RSA PRIVATE KEY-----\n{PROC_TYPE}MIIEow\n", "MIIEow", id="an encrypted key's headers"),
        pytest.param(f"-----BEGIN RSA PRIVATE KEY-----\r\n{PROC_TYPE}\r\nMIIEow\r\n", "MIIEow", id="a key of DOS lines"),
        pytest.param("  -----BEGIN PRIVATE KEY-----\n  a-b MIIEow\n", "MIIEow", id="an indented key"),
        pytest.param("1-2 -----BEGIN PRIVATE KEY-----\n1-2 MIIEow\n1-2 MIIx\n", "MIIx", id="a key of lines with a date"),
        pytest.param(
            '"-----BEGIN PRIVATE KEY-----\\nA-x\\nMIIEow\\n-----END PRIVATE KEY-----"', "MIIEow", id="a key in JSON"
        ),
        pytest.param("-----BEGIN PRIVATE KEY----- A-x MIIEow", "MIIEow", id="a key whose lines were joined"),
        pytest.param("-----BEGIN PGP PRIVATE KEY BLOCK-----\nA-x\n\nMIIEow", "MIIEow", id="a key of GnuPG"),
        pytest.param("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nA-x: y\nMIIEow", "MIIEow", id="a key of ssh.com"),
        pytest.param("k=-----BEGIN+PRIVATE+KEY-----%0AMIIEow%0Aa-b-MII", "b-MII", id="a key in a query"),
        pytest.param("-----BEGIN%20PRIVATE%20KEY-----%0AMIIEow%0A", "MIIEow", id="a key in a query, with %20"),
        pytest.param("-----BEGIN PRIVATE KEY-----\nMIIEow\n-----END CERTIFICATE-----", "MIIEow", id="a key's wrong end"),
        pytest.param("IIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----\nand on", "IBAAKC", id="a key without its beginning"),
        pytest.param("Private-Lines: 2\nAAAAgQ\nBBBBgQ==\nPrivate-MAC: 9f\n", "BBBBgQ", id="a key of PuTTY"),
        pytest.param(
            "Private-Lines: 2\r\nAAAAgQ\r\nBBBBgQ==\r\nPrivate-MAC: 9f", "BBBBgQ", id="a key of PuTTY, of DOS lines"
        ),
        pytest.param("password: |\n  line one\n\n  hunter2\nnext: 1", "hunter2", id="a block of YAML"),
        pytest.param('password = """hunter2\n"x" hunter3"""', "hunter3", id="three quotes"),
        pytest.param(DENIED, "labaccess", id="the key id in an S3 error"),
        pytest.param(DENIED, "20261121T084213Z", id="the signed text in an S3 error"),
        pytest.param(DENIED, "9f86d081884c7d65", id="the signature in an S3 error"),
    ],
)
def test_a_credential_is_taken_out(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)
    assert HIDDEN in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('unable to find column "token"; valid columns: ["id", "password"]', id="columns with telling names"),
        pytest.param("s3://lake/raw/orders/ds=2026-11-21/part-00000.parquet", id="an S3 path"),
        pytest.param("http://127.0.0.1:9000/lake/raw@2/x.parquet", id="a port and an at sign in a path"),
        pytest.param("conversion from `str` to `i64` failed in column 'b' for 1 out of 1 values: ['y']", id="values"),
        pytest.param("commit 3f786850e387550fdab836ed7e6dc881de23001b", id="a hash in hex"),
        pytest.param("delta-" + "ab" * 32, id="a longer hash in hex"),
        pytest.param("task-force sk-learn risk-abcdefghijklmnopqrstuvwx", id="words with sk- in them"),
        pytest.param("TokenError: the day is over", id="an exception's name"),
        pytest.param("the secretary signed the basic form", id="words that contain the words"),
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_what_surrounds_a_credential_stays() -> None:
    assert redact("postgres://etl:pw@db:5432/x?sslmode=require") == f"postgres://{HIDDEN}@db:5432/x?sslmode=require"
    assert redact("k?X-Amz-Signature=beef&X-Amz-Expires=9") == f"k?X-Amz-Signature={HIDDEN}&X-Amz-Expires=9"
    assert redact("{'token': 'abc', 'region': 'eu'}") == "{'token': '" + HIDDEN + "', 'region': 'eu'}"
    assert "<Code>SignatureDoesNotMatch</Code>" in redact(DENIED)


PLAIN = st.text(alphabet=string.ascii_letters + string.digits + "/+_-.,;!?%~", min_size=8, max_size=60)
NAMES = st.sampled_from(["secret", "aws_session_token", "PASSWORD", "db.password", "x-api-key", "AccountKey", "pwd"])
SHAPES = st.sampled_from(["{}={}", "{}: {}", '"{}": "{}"', "'{}' => '{}'", "--{}={}", '\\"{}\\":\\"{}\\"', "({}={})"])


@given(before=st.text(), name=NAMES, shape=SHAPES, secret=PLAIN, after=st.text())
def test_whatever_stands_around_a_named_value_it_goes(before: str, name: str, shape: str, secret: str, after: str) -> None:
    marked = "zq" + secret  # else "e" or "=" would be found in the text around it
    assert marked not in redact(f"{before} {shape.format(name, marked)} {after}")


@given(
    user=st.from_regex(r"[\w.+-]{1,20}", fullmatch=True),
    password=PLAIN,
    host=st.sampled_from(["db", "db:5432", "10.0.0.1:9000"]),
)
def test_whatever_a_password_in_a_url_holds_it_goes(user: str, password: str, host: str) -> None:
    marked = "zq" + password
    assert marked not in redact(f"could not open mysql://{user}:{marked}@{host}/orders")


@given(st.text(alphabet=st.sampled_from("secrt=:&?\"'\\<>@/ *ab1\n-_AKIA"), max_size=200) | st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


# what patterns begin with, go on with and end at, also in letters that only look like them to a pattern without case
PIECES = [
    *["secret", "token", "password", "passphrase", "pwd", "credential", "signature", "authorization", "api_key", "apikey"],
    *["access-key", "accountkey", "private_key", "client-key", "key", "error", "***", "=", ":", "=>", '"', "'", "\\", " "],
    *["\n", "\t", "?", "&", "%", "<", ">", "://", "@", "/", ".", "-", "user:pw", "AKIA", "ASIA", "AROA", "AIDA", "A" * 12],
    *[
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "-----BEGIN ",
        "---- BEGIN X PRIVATE KEY ----",
        "Private-Lines: 2",
        '"""',
        "password: |\n  ",
        "eyJ",
        "abcdefgh.",
        "ghp_",
        "github_pat_",
        "xoxb-",
        "sk-proj-",
        "sk-",
        "?sig=",
    ],
    *["AWS4-HMAC-SHA256 ", "Bearer ", "Basic ", "abc/def+=", "<StringToSign>", "<SecretAccessKey>", "</x>", SECRET],
    *[SECRET[:30], "x" * 40, "aB3" * 13 + "Z", "a" * 20, "\u017fecret", "to\u212aen", "s\u0131gnature", "cl\u0130ent_key"],
    *["\u00e9", "\udc80", "\U0001f511"],
]


def slowly(text: str) -> str:
    """What the patterns make of a text, each tried everywhere."""
    for one in _PASSES:
        text = one.pattern.sub(one.replacement, text)
    return text


@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=14),
    spelled=st.sampled_from([str, str.upper, str.lower]),
)
@settings(max_examples=600)
def test_looking_only_where_a_pattern_may_begin_finds_what_looking_everywhere_does(
    pieces: list[str], spelled: Callable[[str], str]
) -> None:
    text = spelled("".join(pieces))
    assert redact(text) == slowly(text)


@given(st.text())
def test_any_text_is_redacted_as_by_looking_everywhere(text: str) -> None:
    assert redact(text) == slowly(text)


def test_whatever_a_pattern_takes_for_a_letter_is_folded_to_it() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    folded = _fold(every)
    assert len(folded) == len(every)
    for letter in string.ascii_lowercase:
        for match in re.finditer(letter, every, re.IGNORECASE):
            assert folded[match.start()] == letter, hex(match.start())


KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{PROC_TYPE}MIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----\nand on, MIIx"


@given(st.lists(st.integers(0, len(KEY)), max_size=5))
def test_a_private_key_is_hidden_in_whatever_pieces_it_comes(cuts: list[int]) -> None:
    # between lines, as logs are cut
    at = sorted({0, len(KEY), *(KEY.rfind("\n", 0, cut) + 1 for cut in cuts)})
    redactor = Redactor()
    shown = [redactor.redact(KEY[begin:end]) for begin, end in itertools.pairwise(at)]
    assert not [piece for piece in shown if "MIIEow" in piece or "IBAAKC" in piece]
    assert shown[-1].endswith("and on, MIIx")


def test_one_key_after_another_is_hidden_and_what_is_between_is_not() -> None:
    redactor = Redactor()
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    said = [redactor.redact(piece) for piece in ["a " + begin, "MII1", f"MII2{end} b {begin}", "MII3", "-c", "MII4"]]
    assert said == [f"a {begin}{HIDDEN}", HIDDEN, f"{HIDDEN} b {begin}{HIDDEN}", HIDDEN, HIDDEN, HIDDEN]


def test_what_stands_beside_a_key_stays() -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{PROC_TYPE}MII\n-----END PRIVATE KEY-----"
    assert redact(f"a-b {key}\nc-d") == f"a-b -----BEGIN PRIVATE KEY-----{HIDDEN}\nc-d"
    public = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    assert redact(f"{key}\n{public}") == f"-----BEGIN PRIVATE KEY-----{HIDDEN}\n{public}"
    assert redact("see below:\n-----END PRIVATE KEY-----\n") == "see below:\n-----END PRIVATE KEY-----\n"
    assert redact("password: |\n  a\n  b\nnext: 1\n") == f"password: {HIDDEN}\nnext: 1\n"


def test_a_key_that_was_hidden_hides_nothing_more() -> None:
    once = redact(f"{KEY}, 1-2\n")
    assert once.endswith("and on, MIIx, 1-2\n")
    assert redact(once) == once
    assert Redactor().redact(once) == once
    redactor = Redactor()
    assert redactor.redact(f"-----BEGIN PRIVATE KEY-----{HIDDEN}\n") == f"-----BEGIN PRIVATE KEY-----{HIDDEN}\n"
    assert redactor.redact("and on\n") == "and on\n"


def test_a_mention_of_a_key_hides_no_more_than_the_largest_key_takes() -> None:
    redactor, line = Redactor(), "a line of a hundred characters".ljust(99) + "\n"
    assert redactor.redact("no -----BEGIN PRIVATE KEY----- in it\n").endswith(HIDDEN)
    shown = [redactor.redact(line) for _ in range(400)]
    assert shown[:327] == [HIDDEN] * 327
    assert shown[328:] == [line] * 72
    redactor = Redactor()
    redactor.redact("no -----BEGIN PRIVATE KEY----- in it\n" + line * 300)
    assert [redactor.redact(line) for _ in range(40)][28:] == [line] * 12, "the first piece counts"
    redactor.redact("no -----BEGIN PRIVATE KEY-----\n")
    shown_after = redactor.redact("!" * 40_000 + "-----END PRIVATE KEY-----")
    assert shown_after.startswith(f"{HIDDEN}{'!' * 7_000}"), "an end that is too far away is another's"
    whole = redact("no -----BEGIN PRIVATE KEY----- in it\n" + line * 400)
    assert whole.endswith(line * 72)
    assert len(whole) < 100 * 74


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * 100_000, id="one word"),
        pytest.param("secret" * 16_000, id="the word and never a value"),
        pytest.param('token"' * 16_000, id="quotes that never begin a value"),
        pytest.param('token="' + "\\" * 100_000, id="backslashes"),
        pytest.param("://" * 33_000, id="URLs without a host"),
        pytest.param("://a:" * 20_000, id="URLs that never come to an at sign"),
        pytest.param("?" + "a%" * 50_000, id="a query without values"),
        pytest.param("-----BEGIN PRIVATE KEY-----" * 4_000, id="keys that never end"),
        pytest.param("-----BEGIN " * 10_000, id="beginnings of no key"),
        pytest.param("-----END PRIVATE KEY-----" * 4_000, id="ends of no key"),
        pytest.param("Private-Lines: 2\n" + "a" * 100_000, id="half a key of PuTTY"),
        pytest.param("password: |\n" + " \n" * 50_000, id="a block of blanks"),
        pytest.param("password: |\n  a" * 10_000, id="blocks"),
        pytest.param("AKIA" * 25_000, id="key ids without an end"),
        pytest.param("eyJ" + "a" * 100_000, id="half a web token"),
    ],
)
def test_the_time_is_linear_in_the_text(text: str) -> None:
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 2  # 0.4 s at most on a slow core; quadratic would take minutes


def test_the_values_of_variables_with_telling_names_are_secrets_and_no_others() -> None:
    environment = {
        "AWS_SECRET_ACCESS_KEY": "minio-lab-secret",
        "DB_PASSWORD": "Tr0ub4dor-and-3",
        "OLD_DB_PASSWORD": "Tr0ub4dor",
        "API_KEY": "short",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "minioadmin",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
        "PARTITION_KEY": "order_id",
        "PWD": "/opt/app",
    }
    values = secret_values(environment)
    assert values == ["minio-lab-secret", "Tr0ub4dor-and-3", "Tr0ub4dor"]
    assert without("app/Tr0ub4dor-and-3 Tr0ub4dor minioadmin", values) == f"app/{HIDDEN} {HIDDEN} minioadmin"
