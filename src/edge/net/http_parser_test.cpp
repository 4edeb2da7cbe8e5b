#include "edge/net/http_parser.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

/// Feeds `bytes` in pieces of `piece`, keeping what was not consumed, as a connection does.
HttpParse feed_in_pieces(HttpRequestParser& parser, std::string_view bytes, std::size_t piece,
                         std::string& left) {
  HttpParse state = HttpParse::NeedMore;
  std::string pending;
  std::size_t next = 0;
  while (next < bytes.size() || state == HttpParse::HeaderDone) {
    const std::size_t size = std::min(piece, bytes.size() - next);
    pending += bytes.substr(next, size);
    next += size;
    std::size_t consumed = 0;
    state = parser.feed(pending, consumed);
    pending.erase(0, consumed);
    if (state == HttpParse::Complete || state == HttpParse::Failed) break;
  }
  left = pending + std::string(bytes.substr(next));
  return state;
}

unsigned failure_of(std::string_view bytes, HttpLimits limits = {}) {
  HttpRequestParser parser(limits);
  std::string left;
  if (feed_in_pieces(parser, bytes, bytes.size(), left) != HttpParse::Failed) return 0;
  return parser.failure_status();
}

TEST(HttpRequestParser, ReadsTheSameMessageInPiecesOfAnySize) {
  const std::string_view bytes =
      "POST /queue/a?x=1 HTTP/1.1\r\nHost: h\r\nX-A:  spaced \r\nContent-Length: 5\r\n\r\nhelloGET / "
      "HTTP/1.1\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    HttpRequestParser parser({});
    std::string left;
    ASSERT_EQ(feed_in_pieces(parser, bytes, piece, left), HttpParse::Complete) << piece;
    EXPECT_TRUE(parser.keep_alive());
    const HttpRequest request = parser.take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/queue/a");
    EXPECT_EQ(request.query, "x=1");
    EXPECT_EQ(find_header(request.headers, "x-a"), "spaced");
    EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(left, "GET / HTTP/1.1\r\n\r\n");
  }
}

TEST(HttpRequestParser, JoinsChunksAndDropsExtensionsAndTrailers) {
  const std::string_view bytes =
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: "
      "x\r\n\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    HttpRequestParser parser({});
    std::string left;
    ASSERT_EQ(feed_in_pieces(parser, bytes, piece, left), HttpParse::Complete) << piece;
    EXPECT_EQ(parser.take().body, "abcde");
  }
}

TEST(HttpRequestParser, TakesThePathOutOfTheAbsoluteForm) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"http://h:1/a/b", "/a/b"}, {"http://h", "/"}, {"/x://y", "/x://y"}, {"*", "*"}};
  for (const auto& [target, path] : cases) {
    HttpRequestParser parser({});
    std::string left;
    const std::string bytes = "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    ASSERT_EQ(feed_in_pieces(parser, bytes, bytes.size(), left), HttpParse::Complete) << target;
    EXPECT_EQ(parser.take().path, path);
  }
}

TEST(HttpRequestParser, RefusesBytesThatAreNotHttp) {
  for (const std::string_view bytes :
       {"\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nA : b\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"})
    EXPECT_EQ(failure_of(bytes), 400U) << bytes;
}

TEST(HttpRequestParser, RefusesTwoWaysOfSayingWhereTheBodyEnds) {
  EXPECT_EQ(failure_of("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), 400U);
  EXPECT_EQ(failure_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), 400U);
  EXPECT_EQ(failure_of("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"), 400U);
  EXPECT_EQ(failure_of("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501U);
}

TEST(HttpRequestParser, KeepsToItsLimits) {
  const HttpLimits limits{.header_max_bytes = 200, .body_max_bytes = 10};
  EXPECT_EQ(failure_of("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", limits), 413U);
  EXPECT_EQ(failure_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nB\r\nhello world\r\n", limits),
            413U);
  EXPECT_EQ(failure_of("GET / HTTP/1.1\r\nA: " + std::string(300, 'x'), limits), 431U);
  EXPECT_EQ(failure_of("GET /" + std::string(300, 'x'), limits), 431U);
  EXPECT_EQ(failure_of("GET / HTTP/2.0\r\n\r\n"), 505U);
  EXPECT_EQ(failure_of("GET / HTTP/1.1\nHost: h\n\n\r\n\r\n"), 505U) << "a bare line feed ends no line";
}

TEST(HttpResponseParser, ABodyWithoutALengthEndsWithTheConnection) {
  HttpResponseParser parser({});
  std::size_t consumed = 0;
  std::string_view bytes = "HTTP/1.1 200 OK\r\n\r\nhello";
  HttpParse state = HttpParse::HeaderDone;
  while (state == HttpParse::HeaderDone) state = parser.feed(bytes.substr(consumed), consumed);
  EXPECT_EQ(state, HttpParse::NeedMore);
  EXPECT_EQ(parser.feed_end(), HttpParse::Complete);
  EXPECT_EQ(parser.take().body, "hello");
}

TEST(HttpResponseParser, AConnectionThatEndsEarlyIsAFailure) {
  HttpResponseParser parser({});
  EXPECT_EQ(parser.feed_end(), HttpParse::Failed);
  parser.begin(false);
  std::size_t consumed = 0;
  std::string_view bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
  while (parser.feed(bytes.substr(consumed), consumed) == HttpParse::HeaderDone) {
  }
  EXPECT_EQ(parser.feed_end(), HttpParse::Failed);
}

}  // namespace
}  // namespace forewarm
