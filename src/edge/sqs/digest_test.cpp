#include "edge/sqs/digest.h"

#include <gtest/gtest.h>

#include "edge/sqs/base64.h"

namespace forewarm::sqs {
namespace {

TEST(Digest, MatchesTheTestSuiteOfRfc1321) {
  EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5_hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, OfOneAttributeIsWhatTheServiceAnswers) {
  EXPECT_EQ(md5_of_attributes({{"timestamp", {"Number.java.lang.Long", "1493147359900"}}}),
            "2e2e4876d8e0bd6b8c2c8f556831c349");
}

TEST(Digest, OfSeveralAttributesGoesByNameAndTellsBinaryFromText) {
  const Attributes attributes = {{"timestamp", {"Number.java.lang.Long", "1493147359900"}},
                                 {"bin", {"Binary", std::string("\0\1\xff", 3)}},
                                 {"name", {"String", "J\xc3\xbcrgen"}}};
  EXPECT_EQ(md5_of_attributes(attributes), "38afe387391e7810eface74b72f67cfd");
}

TEST(Digest, OfNoAttributesIsNothing) {
  EXPECT_EQ(md5_of_attributes({}), "");
}

TEST(Base64, MatchesTheTestVectorsOfRfc4648) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotExactlyAnEncoding) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg=a", "=g==", "Z===", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Zg==Zg=="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace forewarm::sqs
