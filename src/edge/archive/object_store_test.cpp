#include <gtest/gtest.h>

#include "edge/archive/azure_signature.h"
#include "edge/archive/content_digest.h"
#include "edge/archive/object_listing.h"
#include "edge/archive/object_url.h"

namespace forewarm {
namespace {

// 2015-06-26T23:39:12Z, the time of the examples in "Authorize with Shared Key".
constexpr TimePoint kExampleTime = time_point_us(1435361952'000'000);
// The account and key of Azure's storage emulators, which are published.
constexpr const char* kEmulatorAccount = "devstoreaccount1";
constexpr const char* kEmulatorKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

TEST(ObjectUrl, NamesAStoreOfEachKind) {
  const auto s3 = parse_object_url("s3://my.bucket-1/a/b c/");
  ASSERT_TRUE(s3);
  EXPECT_EQ(s3->kind, ObjectStoreKind::S3);
  EXPECT_EQ(s3->bucket, "my.bucket-1");
  EXPECT_EQ(s3->prefix, "a/b c");
  const auto azure = parse_object_url("azblob://account/$root/x");
  ASSERT_TRUE(azure);
  EXPECT_EQ(azure->kind, ObjectStoreKind::Azure);
  EXPECT_EQ(azure->account, "account");
  EXPECT_EQ(azure->bucket, "$root");
  EXPECT_EQ(azure->prefix, "x");
  const auto google = parse_object_url("gs://bucket");
  ASSERT_TRUE(google);
  EXPECT_EQ(google->kind, ObjectStoreKind::Google);
  EXPECT_EQ(google->prefix, "");
  EXPECT_EQ(parse_object_url("file:///a%20b")->bucket, "/a b");
  EXPECT_EQ(parse_object_url("a/b")->bucket, "a/b");
}

TEST(ObjectUrl, RefusesWhatWouldGoElsewhere) {
  for (const char* text : {"", "s3://", "s3:///x", "s3://a@b/x", "s3://a:80/x", "s3://b/../x", "s3://b/a//x",
                           "azblob://a", "azblob:///c/x", "file://host/x", "http://x/y"}) {
    const auto url = parse_object_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().message.find("Expected s3://"), std::string::npos);
  }
}

TEST(ObjectUrl, EncodesEachSegmentOfAKey) {
  EXPECT_EQ(encode_path("a b/step=10s/x+y~.csv"), "a%20b/step%3D10s/x%2By~.csv");
  EXPECT_EQ(encode_path("\xc3\xa4/"), "%C3%A4/");
}

TEST(SharedKey, TheTextIsTheOneOfTheReference) {
  const FetchRequest request{
      .url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20",
      .headers = {{"x-ms-date", http_date(kExampleTime)}, {"x-ms-version", "2015-02-21"}}};
  EXPECT_EQ(shared_key_text(request, "myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
            "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
}

TEST(SharedKey, TheResourcesAreThoseOfTheReference) {
  const auto resource = [](const char* url) {
    const std::string text = shared_key_text({.url = url}, "myaccount");
    return text.substr(text.find('/'));
  };
  EXPECT_EQ(resource("http://myaccount.blob.core.windows.net/"
                     "mycontainer?restype=container&comp=list&include=snapshots&include=metadata&include="
                     "uncommittedblobs"),
            "/myaccount/mycontainer\ncomp:list\ninclude:metadata,snapshots,uncommittedblobs\n"
            "restype:container");
  EXPECT_EQ(resource("https://myaccount-secondary.blob.core.windows.net/mycontainer/myblob"),
            "/myaccount/mycontainer/myblob");
  EXPECT_EQ(resource("http://myaccount.blob.core.windows.net?comp=list"), "/myaccount/\ncomp:list");
}

// The expected signature: base64(hmac-sha256(key, text)) by another language's library.
TEST(SharedKey, SignsLengthTypeAndChecksum) {
  FetchRequest request{.method = "PUT",
                       .url = "http://127.0.0.1:10000/devstoreaccount1/c/a%20b%3D1",
                       .headers = {{"Content-Type", "application/gzip"},
                                   {"x-ms-blob-type", "BlockBlob"},
                                   {"Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="},
                                   {"x-ms-version", "2020-10-02"}},
                       .body = "hello world"};
  sign_shared_key(request, kEmulatorAccount, base64_bytes(kEmulatorKey).value_or(""), kExampleTime);
  EXPECT_EQ(find_header(request.headers, "authorization"),
            "SharedKey devstoreaccount1:XWV669ANlvSqkstG/WkaHqbmH5rsBu7F5dIlOvFRt5Y=");
}

TEST(ContentDigest, IsThatOfTheStandards) {
  EXPECT_EQ(base64_text("hello world"), "aGVsbG8gd29ybGQ=");
  EXPECT_EQ(base64_bytes("aGVsbG8gd29ybGQ="), "hello world");
  EXPECT_EQ(base64_bytes("aGVsbG8gd29ybGQ"), std::nullopt);
  EXPECT_EQ(base64_bytes("aGVs bG8="), std::nullopt);
  EXPECT_EQ(hex_digits(md5_bytes("hello world")), "5eb63bbbe01eeed093cb22bb8f5acdc3");
  // RFC 4231, test case 2.
  EXPECT_EQ(hex_digits(hmac_sha256_bytes("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(ObjectListing, OfABucketHasNamesSizesAndChecksums) {
  const auto page = parse_bucket_listing(
      "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Name>b</Name><Prefix>p/</Prefix><KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>"
      "<Contents><Key>p/a&amp;b</Key><ETag>&quot;5eb63bbbe01eeed093cb22bb8f5acdc3&quot;</ETag>"
      "<Size>11</Size><StorageClass>STANDARD</StorageClass></Contents>"
      "<Contents><Key>p/c</Key><ETag>\"5eb63bbbe01eeed093cb22bb8f5acdc3-2\"</ETag><Size>0</Size></Contents>"
      "<NextContinuationToken>1/+=</NextContinuationToken></ListBucketResult>");
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].name, "p/a&b");
  EXPECT_EQ(page->objects[0].size_bytes, 11U);
  EXPECT_EQ(page->objects[0].md5_hex, "5eb63bbbe01eeed093cb22bb8f5acdc3");
  EXPECT_EQ(page->objects[1].md5_hex, "") << "what came in parts has no MD5";
  EXPECT_EQ(page->next, "1/+=");
}

TEST(ObjectListing, OfAContainerHasNamesSizesAndChecksums) {
  const auto page = parse_blob_listing(
      "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>"
      "<Blob><Name>p/a</Name><Properties><Content-Length>11</Content-Length>"
      "<Content-MD5>XrY7u+Ae7tCTyyK7j1rNww==</Content-MD5></Properties></Blob>"
      "<Blob><Name>p/b</Name><Properties><Content-Length>5</Content-Length><Content-MD5 "
      "/></Properties></Blob>"
      "</Blobs><NextMarker /></EnumerationResults>");
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].md5_hex, "5eb63bbbe01eeed093cb22bb8f5acdc3");
  EXPECT_EQ(page->objects[1].size_bytes, 5U);
  EXPECT_EQ(page->next, "");
}

TEST(ObjectListing, RefusesWhatIsNone) {
  for (const char* body :
       {"", "{}", "<html/>", "<ListBucketResult><Contents></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>1"})
    EXPECT_FALSE(parse_bucket_listing(body)) << body;
  for (const char* body : {"", "<ListBucketResult/>",
                           "<EnumerationResults><Blobs><Blob><Name>a</Name></Blob></Blobs>"
                           "</EnumerationResults>"})
    EXPECT_FALSE(parse_blob_listing(body)) << body;
}

TEST(StoreRefusal, IsWhatTheStoreSays) {
  const StoreRefusal said = parse_store_refusal(
      "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>No.\nRequestId:1"
      "</Message></Error>");
  EXPECT_EQ(said.code, "AccessDenied");
  EXPECT_EQ(said.message, "No.");
  EXPECT_EQ(parse_store_refusal("Bad gateway").code, "");
}

}  // namespace
}  // namespace forewarm
