// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace server_test {

/// Bytes that a client may send, and what must come back.
struct hostile_case {
  std::string name;
  std::string bytes;
  int status = 400;
  bool kept = false;  ///< the connection goes on: its framing was not in doubt
};

using namespace std::string_literals;
using hostile_cases = std::vector<hostile_case>;

inline std::string shown(std::string const& text) {
  std::string out;
  for (char const c : text.substr(0, 60)) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\" + std::to_string(byte);
    }
  }
  return out;
}

/// A POST of "hello" whose headers behind Host are `headers`, each with its line end.
inline std::string post_with(std::string const& headers, std::string const& body) {
  return "POST /echo HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body;
}
inline std::string get_with(std::string const& headers) {
  return "GET /health HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}
inline std::string line_with(std::string const& line) {
  return line + "\r\nHost: x\r\n\r\n";
}

inline hostile_cases transfer_encoding_cases() {
  hostile_cases all;
  auto const body = "5\r\nhello\r\n0\r\n\r\n"s;
  for (auto const& value : {"xchunked"s,
                            "chunked, identity"s,
                            "identity"s,
                            "gzip"s,
                            "gzip, chunked"s,
                            "chunked, chunked"s,
                            "chunked,"s,
                            ", chunked"s,
                            ",chunked"s,
                            "chunked;q=1"s,
                            "\"chunked\""s,
                            "chunked x"s,
                            "x chunked"s,
                            "deflate"s,
                            ""s,
                            " "s,
                            "chunkedchunked"s,
                            "chunked\tgzip"s,
                            "CHUNKED, gzip"s,
                            "chunk"s,
                            "hunked"s,
                            "chunked\xc2\xa0"s,
                            "chunked."s,
                            "chunked=1"s,
                            "cow"s,
                            "c h u n k e d"s}) {
    all.push_back({"coding " + shown(value), post_with("Transfer-Encoding: " + value + "\r\n", body), 501});
    all.push_back({"coding before a length " + shown(value),
                   post_with("Transfer-Encoding: " + value + "\r\nContent-Length: 5\r\n", body)});
    all.push_back({"coding in HTTP/1.0 " + shown(value),
                   "POST /echo HTTP/1.0\r\nTransfer-Encoding: " + value + "\r\n\r\n" + body});
  }
  auto const chunked = "Transfer-Encoding: chunked\r\n"s;
  all.push_back({"chunked before a length", post_with(chunked + "Content-Length: 5\r\n", body)});
  all.push_back({"a length before chunked", post_with("Content-Length: 15\r\n" + chunked, body)});
  all.push_back(
      {"length zero and chunked", post_with("content-length: 0\r\ntransfer-encoding: chunked\r\n", body)});
  all.push_back({"chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: x\r\n" + chunked + "\r\n" + body});
  all.push_back({"chunked twice", post_with(chunked + chunked, body), 501});
  all.push_back({"chunked and identity in two headers",
                 post_with(chunked + "Transfer-Encoding: identity\r\n", body), 501});
  all.push_back({"chunked behind a folded line", post_with("Transfer-Encoding:\r\n chunked\r\n", body)});
  all.push_back({"chunked behind a vertical tab", post_with("Transfer-Encoding: \x0b"
                                                            "chunked\r\n",
                                                            body)});
  all.push_back({"chunked before a NUL", post_with("Transfer-Encoding: chunked\0\r\n"s, body)});
  all.push_back({"a space before the colon", post_with("Transfer-Encoding : chunked\r\n", body)});
  all.push_back({"a tab before the colon", post_with("Transfer-Encoding\t: chunked\r\n", body)});
  all.push_back({"chunked in capitals", post_with("TRANSFER-ENCODING: CHUNKED\r\n", body), 200, true});
  all.push_back(
      {"chunked within white space", post_with("Transfer-Encoding: \t chunked \t\r\n", body), 200, true});
  return all;
}

inline hostile_cases length_cases() {
  hostile_cases all;
  for (auto const& value : {"-1"s,
                            "-0"s,
                            "+5"s,
                            "0x5"s,
                            "5 5"s,
                            "5, 5"s,
                            "5,5"s,
                            "5,6"s,
                            "5a"s,
                            "a"s,
                            ""s,
                            " "s,
                            "5.0"s,
                            "1e3"s,
                            "\xd9\xa5"s,
                            "--5"s,
                            "5;"s,
                            "5\t5"s,
                            "\"5\""s,
                            "'5'"s,
                            "5_0"s,
                            "5-"s,
                            "5 \x0b"s,
                            "5\0"s,
                            "NaN"s,
                            "-9223372036854775808"s,
                            "-18446744073709551611"s,
                            "5\xa0"s,
                            "five"s,
                            "$5"s}) {
    all.push_back({"length " + shown(value), post_with("Content-Length: " + value + "\r\n", "hello")});
  }
  for (auto const& value :
       {"8388609"s, "99999999999"s, "2147483648"s, "4294967296"s, "4294967301"s, "9223372036854775807"s,
        "9223372036854775808"s, "18446744073709551615"s, "18446744073709551616"s, "18446744073709551621"s,
        "340282366920938463463374607431768211461"s, std::string(1000, '9'),
        "000000000000000000000099999999"s}) {
    all.push_back(
        {"length " + value.substr(0, 40), post_with("Content-Length: " + value + "\r\n", "hello"), 413});
  }
  all.push_back({"two equal lengths", post_with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")});
  all.push_back({"two lengths", post_with("Content-Length: 5\r\ncontent-length: 6\r\n", "hello")});
  all.push_back({"a length with a space before the colon", post_with("Content-Length : 5\r\n", "hello")});
  all.push_back({"a folded length", post_with("Content-Length: 1\r\n 5\r\n", "hello")});
  all.push_back(
      {"leading zeros", post_with("Content-Length: 0000000000000000000000005\r\n", "hello"), 200, true});
  all.push_back({"a body of GET", get_with("Content-Length: 5\r\n") + "hello", 200, true});
  all.push_back({"no body", post_with("", ""), 200, true});
  return all;
}

inline hostile_cases host_cases() {
  hostile_cases all;
  all.push_back({"no Host", "GET /health HTTP/1.1\r\n\r\n"});
  all.push_back({"no Host but another header", "GET /health HTTP/1.1\r\nX-Host: x\r\n\r\n"});
  all.push_back({"two Hosts", get_with("Host: x\r\n")});
  all.push_back({"two different Hosts", get_with("hOST: y\r\n")});
  all.push_back({"two Hosts in HTTP/1.0", "GET /health HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n"});
  all.push_back({"a Host before white space", "GET /health HTTP/1.1\r\nHost : x\r\n\r\n"});
  for (auto const& value : {"a b"s, "a,b"s, "a/b"s, "user@a"s, "a\"b"s, "<a>"s, "a\\b"s, "\xc3\xa9"s, "a?b"s,
                            "a#b"s, "{a}"s, "a|b"s, "http://a"s, "a\tb"s, "a^b"s, "`a`"s}) {
    if (value == "a,b") continue;  // a comma may stand in a registered name
    all.push_back({"Host " + shown(value), "GET /health HTTP/1.1\r\nHost: " + value + "\r\n\r\n"});
  }
  for (auto const& value : {""s, "x:80"s, "[::1]:8000"s, "a.b-c_d~e"s}) {
    all.push_back({"Host " + value, "GET /health HTTP/1.1\r\nHost: " + value + "\r\n\r\n", 200, true});
  }
  return all;
}

inline hostile_cases header_cases() {
  hostile_cases all;
  for (auto const& line :
       {" X: y"s,          "\tX: y"s,          "X : y"s,    "X\t: y"s, ": y"s,     ":"s,      "garbage"s,
        "X Y: z"s,         "(X): y"s,          "X\x80: y"s, "X@: y"s,  "X[1]: y"s, "{X}: y"s, "X/Y: z"s,
        "\"X\": y"s,       "X,Y: z"s,          "X;: y"s,    "X=Y"s,    "X?: y"s,   "<X>: y"s, "X\\: y"s,
        "GET / HTTP/1.1"s, "\xef\xbb\xbfX: y"s}) {
    all.push_back({"header line " + shown(line), get_with(line + "\r\n")});
    all.push_back(
        {"first header line " + shown(line), "GET /health HTTP/1.1\r\n" + line + "\r\nHost: x\r\n\r\n"});
  }
  for (auto const& folded : {"X: y\r\n z\r\n"s, "X: y\r\n\tz\r\n"s, "X: y\r\n \r\n"s, "X:\r\n y\r\n"s,
                             "X: y\r\n Content-Length: 5\r\n"s}) {
    all.push_back({"folded " + shown(folded), get_with(folded)});
  }
  for (auto const& ends :
       {"X: y\n"s, "X: y\rZ: a\r\n"s, "X: y\r\r\n"s, "X: y\n\r\n"s, "\n"s, "X: \n y\r\n"s}) {
    all.push_back({"line end " + shown(ends), get_with(ends)});
  }
  all.push_back({"line feeds alone", "GET /health HTTP/1.1\nHost: x\n\n"});
  all.push_back({"a line feed behind the request line", "GET /health HTTP/1.1\nHost: x\r\n\r\n"});
  all.push_back({"carriage returns alone", "GET /health HTTP/1.1\rHost: x\r\r"});
  for (int byte = 0; byte < 0x21; ++byte) {
    if (byte == '\t' || byte == '\r' || byte == '\n' || byte == ' ') continue;
    auto const value = byte == 0x20 ? '\x7f' : static_cast<char>(byte);
    all.push_back({"byte " + std::to_string(byte) + " in a value", get_with("X: a"s + value + "b\r\n")});
    all.push_back({"byte " + std::to_string(byte) + " in a name", get_with("X"s + value + "Y: b\r\n")});
  }
  all.push_back({"byte 127 in a value", get_with("X: a\x7f"
                                                 "b\r\n")});
  all.push_back({"bytes above 127 in a value", get_with("X: \x80\xff\xc3\xa9\r\n"), 200, true});
  all.push_back({"an empty value", get_with("X:\r\n"), 200, true});
  all.push_back({"every sign in a name", get_with("X!#$%&'*+-.^_`|~9: y\r\n"), 200, true});
  all.push_back({"an upgrade",
                 get_with("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n"),
                 200, true});
  all.push_back(
      {"an unknown expectation", post_with("Content-Length: 5\r\nExpect: 200-ok\r\n", "hello"), 417});
  all.push_back({"two expectations",
                 post_with("Content-Length: 5\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n", ""),
                 417});
  all.push_back(
      {"a list of expectations", post_with("Content-Length: 5\r\nExpect: 100-continue, x\r\n", ""), 417});
  return all;
}

inline hostile_cases size_cases() {
  hostile_cases all;
  auto const many = [](int count) {
    std::string headers;
    for (int i = 0; i < count; ++i) headers += "X-" + std::to_string(i) + ": y\r\n";
    return headers;
  };
  all.push_back({"64 headers", get_with(many(63)), 200, true});
  all.push_back({"65 headers", get_with(many(64)), 431});
  all.push_back({"1,500 headers", get_with(many(1500)), 431});
  all.push_back({"a value of 15,000 bytes", get_with("X: " + std::string(15'000, 'y') + "\r\n"), 200, true});
  all.push_back({"a value of 17,000 bytes", get_with("X: " + std::string(17'000, 'y') + "\r\n"), 431});
  all.push_back({"a value of 4 million bytes", get_with("X: " + std::string(4'000'000, 'y') + "\r\n"), 431});
  all.push_back({"a name of 17,000 bytes", get_with(std::string(17'000, 'X') + ": y\r\n"), 431});
  all.push_back({"two values of 9,000 bytes",
                 get_with("X: " + std::string(9'000, 'y') + "\r\nX: " + std::string(9'000, 'y') + "\r\n"),
                 431});
  all.push_back({"white space of 17,000 bytes", get_with("X: " + std::string(17'000, ' ') + "\r\n"), 431});
  all.push_back({"a target of 8,000 bytes", line_with("GET /health?" + std::string(8'000, 'q') + " HTTP/1.1"),
                 200, true});
  all.push_back(
      {"a target of 8,200 bytes", line_with("GET /health?" + std::string(8'200, 'q') + " HTTP/1.1"), 414});
  all.push_back(
      {"a target of 4 million bytes", line_with("GET /" + std::string(4'000'000, 'q') + " HTTP/1.1"), 414});
  all.push_back({"a method of 9,000 bytes", line_with(std::string(9'000, 'M') + " / HTTP/1.1"), 414});
  all.push_back({"9,000 bytes without a space", std::string(9'000, 'a'), 414});
  all.push_back({"a chunk over the limit", post_with("Transfer-Encoding: chunked\r\n", "800001\r\n"), 413});
  all.push_back(
      {"chunks over the limit", post_with("Transfer-Encoding: chunked\r\n", "1\r\na\r\n800000\r\n"), 413});
  all.push_back({"a chunk of 4 GiB", post_with("Transfer-Encoding: chunked\r\n", "ffffffff\r\n"), 413});
  return all;
}

inline hostile_cases chunk_cases() {
  hostile_cases all;
  auto const chunks = [&](std::string const& body, int status = 400, bool kept = false) {
    all.push_back({"chunks " + shown(body), post_with("Transfer-Encoding: chunked\r\n", body), status, kept});
  };
  for (auto const& size : {"x"s,   "-5"s,   "+5"s,  "0x5"s,       " 5"s,           "5 "s,
                           ""s,    ";a=b"s, "5g"s,  "123456789"s, "000000005"s,    "FFFFFFFFFFFFFFFFF"s,
                           "5,5"s, "5\t"s,  "\t5"s, "5\0"s,       "\xef\xbc\x95"s, "5\x0b"s,
                           "5_"s,  "h"s,    "5."s}) {
    chunks(size + "\r\nhello\r\n0\r\n\r\n");
  }
  for (auto const& body :
       {"5\nhello\r\n0\r\n\r\n"s, "5\rhello\r\n0\r\n\r\n"s, "5\r\nhelloX\r\n0\r\n\r\n"s,
        "5\r\nhello0\r\n\r\n"s, "4\r\nhello\r\n0\r\n\r\n"s, "5\r\nhello\n0\r\n\r\n"s,
        "5\r\nhello\r0\r\n\r\n"s, "5\r\nhello\r\n\r\n0\r\n\r\n"s, "6\r\nhello\r\n0\r\n\r\n"s,
        "5\r\nhello\r\n0\n\n"s, "5\r\nhello\r\n0\r\n\n"s, "5\r\nhello\r\n0\r\nX\r\n\r\n"s}) {
    chunks(body);
  }
  for (auto const& trailer : {"X: y"s, "Content-Length: 5"s, "Transfer-Encoding: chunked"s, "Host: y"s,
                              " X: y"s, "Authorization: Bearer k"s}) {
    chunks("5\r\nhello\r\n0\r\n" + trailer + "\r\n\r\n");
  }
  chunks("5;" + std::string(300, 'e') + "\r\nhello\r\n0\r\n\r\n");
  chunks("5;" + std::string(2'000'000, 'e'));
  chunks("0;" + std::string(300, 'e') + "\r\n\r\n");
  chunks("5;a\0b\r\nhello\r\n0\r\n\r\n"s);
  chunks("5;a\nhello\r\n0\r\n\r\n");
  chunks("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n");
  chunks("5;a=\x7f\r\nhello\r\n0\r\n\r\n");
  chunks("5;a=\xff\r\nhello\r\n0\r\n\r\n");
  chunks("5;a=b\r\nhello\r\n0;c\r\n\r\n", 200, true);
  chunks("5;a=\"b c\"\r\nhello\r\n0\r\n\r\n", 200, true);
  chunks("00000005\r\nhello\r\n00000000\r\n\r\n", 200, true);
  chunks("0\r\n\r\n", 200, true);
  chunks("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", 200, true);
  return all;
}

inline hostile_cases request_line_cases() {
  hostile_cases all;
  auto const line = [&](std::string const& text, int status = 400, bool kept = false) {
    all.push_back({"line " + shown(text), line_with(text), status, kept});
  };
  for (auto const& bad : {"GET"s,
                          "GET "s,
                          "GET /"s,
                          "GET / "s,
                          " GET / HTTP/1.1"s,
                          "GET  / HTTP/1.1"s,
                          "GET /  HTTP/1.1"s,
                          "GET / HTTP/1.1 "s,
                          "GET  HTTP/1.1"s,
                          "GET HTTP/1.1"s,
                          "GET / HTTP /1.1"s,
                          "GE T / HTTP/1.1"s,
                          "GET\t/ HTTP/1.1"s,
                          "GET /\tHTTP/1.1"s,
                          "G@T / HTTP/1.1"s,
                          "(GET) / HTTP/1.1"s,
                          "GET: / HTTP/1.1"s,
                          "\x80GET / HTTP/1.1"s,
                          "G\0T / HTTP/1.1"s,
                          "/ GET HTTP/1.1"s,
                          "GET /\0 HTTP/1.1"s,
                          "GET /\x01 HTTP/1.1"s,
                          "GET /\x7f HTTP/1.1"s,
                          "GET /\x80 HTTP/1.1"s,
                          "GET /\xc3\xa9 HTTP/1.1"s,
                          "GET /a b HTTP/1.1"s,
                          "GET health HTTP/1.1"s,
                          "GET * HTTP/1.1"s,
                          "POST * HTTP/1.1"s,
                          "GET ? HTTP/1.1"s,
                          "GET ../health HTTP/1.1"s,
                          "GET http:///health HTTP/1.1"s,
                          "GET http://x?y HTTP/1.1"s,
                          "GET https://x/health HTTP/1.1"s,
                          "GET ftp://x/ HTTP/1.1"s,
                          "GET http: HTTP/1.1"s,
                          "GET http:// HTTP/1.1"s,
                          "GET x:80 HTTP/1.1"s,
                          "GET /health#fragment HTTP/1.1"s,
                          "GET # HTTP/1.1"s,
                          "GET /health HTTP/1.10"s,
                          "GET /health HTTP/1"s,
                          "GET /health HTTP/"s,
                          "GET /health http/1.1"s,
                          "GET /health HTTP/1,1"s,
                          "GET /health HTTP/11"s,
                          "GET /health HTTPS/1.1"s,
                          "GET /health HTTP/-1.1"s,
                          "GET /health HTTP/1.a"s,
                          "GET /health XHTTP/1.1"s,
                          "GET /health HTTP/01.1"s,
                          "GET /health HTTP/1.1.1"s,
                          "GET /health HTTP 1.1"s,
                          "GET /health H"s,
                          "GET /health \xefHTTP/1.1"s}) {
    line(bad);
  }
  for (auto const* const version :
       {"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/9.9", "HTTP/3.0", "HTTP/0.0", "HTTP/1.9"}) {
    line("GET /health "s + version, 505);
  }
  for (auto const* const method :
       {"get", "Get", "FOO", "PRI", "BREW", "PROPFIND", "M-SEARCH", "x", "GETS", "LINK", "SEARCH", "!"}) {
    line(method + " /health HTTP/1.1"s, 501);
  }
  line("CONNECT x:80 HTTP/1.1", 501);
  line(std::string(100, 'A') + " / HTTP/1.1", 501);
  all.push_back({"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505});
  for (auto const* const method : {"TRACE", "PUT", "DELETE", "PATCH", "POST"})
    line(method + " /health HTTP/1.1"s, 405, true);
  for (auto const* const target :
       {"/nowhere", "/%00", "/../health", "/health/", "//health", "/health%20", "/HEALTH", "/health;a",
        "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/health/ready/", "/v1/", "/echo/..",
        "http://x/nowhere"}) {
    line("GET "s + target + " HTTP/1.1", 404, true);
  }
  for (auto const* const target :
       {"/health?", "/health?a=b&c", "/health?x?y", "http://x/health", "HTTP://y:80/health?z", "http://x"}) {
    line("GET "s + target + " HTTP/1.1", 200, true);
  }
  all.push_back({"an empty line before", "\r\n" + get_with(""), 200, true});
  all.push_back({"two empty lines before", "\r\n\r\n" + get_with("")});
  all.push_back({"HTTP/0.9", "GET /health\r\n\r\n"});
  all.push_back({"a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s});
  all.push_back({"an SSH banner", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n"});
  all.push_back({"SMTP", "EHLO example\r\n\r\n"});
  all.push_back({"zeros", std::string(4096, '\0')});
  all.push_back({"bytes of 255", std::string(4096, '\xff')});
  all.push_back({"JSON", "{\"model\": 1}\r\n\r\n"});
  all.push_back({"a SOCKS greeting", "\x05\x01\x00"s});
  return all;
}

/// All of the above. Bytes of one request each; nothing behind it.
inline hostile_cases all_hostile_cases() {
  hostile_cases all;
  for (auto const& some : {transfer_encoding_cases(), length_cases(), host_cases(), header_cases(),
                           size_cases(), chunk_cases(), request_line_cases()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace server_test
