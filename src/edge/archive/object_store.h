#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/net/aws_signature.h"

namespace forewarm {

/// More is neither sent nor fetched: an object is handled in memory.
inline constexpr std::size_t kObjectBytesMax = 256U << 20;

struct StoredObject {
  std::string name;  ///< below the store's prefix: "queue/step=10s/2026-03-01.csv.gz"
  std::uint64_t size_bytes = 0;
  /// MD5 of the content in hexadecimal digits, if the store says it. With some kinds of encryption what it
  /// calls so is something else: an equal one proves equal content, a different one proves nothing.
  std::string md5_hex{};
};

/// A place that keeps objects by their names: a bucket, a container or a folder, below one prefix. Small on
/// purpose: what an archive needs and every store has. Calls block, ask again what stumbles, and answer with
/// the place and the remedy: Invalid for what is refused, NotFound for a bucket or an object that is not
/// there, Exhausted or Io when trying later may help.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// All objects below the prefix, in no particular order.
  virtual Result<std::vector<StoredObject>> list() = 0;
  virtual Result<std::string> get(const std::string& name) = 0;
  /// Whole or not at all; replaces what has this name.
  virtual Result<void> put(const std::string& name, const std::string& bytes) = 0;
  /// How a person calls the object, or the whole store if `name` is empty: "s3://bucket/prefix/name".
  virtual std::string place(const std::string& name) const = 0;
};

std::unique_ptr<ObjectStore> make_folder_store(const std::string& folder);

/// What lets requests in, asked for each of them, since an archive of years takes longer than a token lasts.
template <class T>
struct StoreCredentials {
  std::function<Result<T>()> get{};
  std::function<void()> renew{};  ///< they are not taken any more; none: there are no others to be had
};

/// Amazon S3 and what speaks its REST API, signed with Signature Version 4.
struct S3StoreOptions {
  std::string bucket;
  std::string prefix;
  std::string region;
  std::string endpoint{};  ///< empty: AWS's own; otherwise the bucket is the first part of the path
  StoreCredentials<AwsCredentials> credentials;
};
std::unique_ptr<ObjectStore> make_s3_store(const S3StoreOptions& options);

/// Google Cloud Storage by its XML API.
struct GoogleStoreOptions {
  std::string bucket;
  std::string prefix;
  std::string endpoint{};     ///< empty: https://storage.googleapis.com
  AwsCredentials hmac_key{};  ///< of a service account; used if there is no token
  StoreCredentials<std::string> token{};
  std::string token_from{};  ///< what a person calls it
};
std::unique_ptr<ObjectStore> make_google_store(const GoogleStoreOptions& options);

/// Azure Blob Storage.
struct AzureStoreOptions {
  std::string account;
  std::string container;
  std::string prefix;
  std::string endpoint{};   ///< empty: Azure's own; one without a path gets the account as its first part
  std::string key{};        ///< of the account, Base64; used if there is nothing else
  std::string sas_token{};  ///< a shared access signature: "sv=...&sig=..."
  StoreCredentials<std::string> token{};  ///< of Entra ID; used if there is no shared access signature
};
/// Invalid if the key is not Base64.
Result<std::unique_ptr<ObjectStore>> make_azure_store(const AzureStoreOptions& options);

}  // namespace forewarm
