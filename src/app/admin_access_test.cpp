#include "app/admin_access.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

class TokenFiles {
 public:
  AdminTokenConfig token(const std::string& name, const std::string& role, const std::string& secret) const {
    const std::string file = folder_.path_of(name);
    std::ofstream(file) << secret << "\n";
    return {.name = name, .role = role, .token_file = file};
  }

 private:
  TemporaryFolder folder_;
};

HttpRequest with_token(const std::string& token) {
  HttpRequest request{.method = "GET", .path = "/v1/queues"};
  request.headers.emplace_back("authorization", "bearer " + token);
  return request;
}

Route route_of(const std::string& id) {
  Route route;
  route.id = id;
  route.path = "/v1/x";
  return route;
}

TEST(AdminAccess, WithoutTokensEverybodyMayDoEverything) {
  const auto access = AdminAccess::read({}, {});
  ASSERT_TRUE(access);
  EXPECT_FALSE(access->refusal({}, route_of("putFunction")));
  EXPECT_EQ(access->principal({}), "loopback");
}

TEST(AdminAccess, ATokenMayDoWhatItsRoleMay) {
  const TokenFiles files;
  const auto access = AdminAccess::read(
      {files.token("looker", "read", "0123456789abcdef"), files.token("doer", "operate", "fedcba9876543210")},
      {});
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->refusal({}, route_of("listQueues"))->status, 401U);
  EXPECT_EQ(access->refusal(with_token("0123456789abcdeX"), route_of("listQueues"))->status, 401U);
  EXPECT_FALSE(access->refusal(with_token("0123456789abcdef"), route_of("listQueues")));
  EXPECT_EQ(access->refusal(with_token("0123456789abcdef"), route_of("putFunction"))->status, 403U);
  EXPECT_FALSE(access->refusal(with_token("fedcba9876543210"), route_of("putFunction")));
  EXPECT_FALSE(access->refusal({}, route_of("getHealth")));
  EXPECT_EQ(access->principal(with_token("fedcba9876543210")), "doer");
  EXPECT_EQ(access->principal({}), "anonymous");
}

TEST(AdminAccess, ARouteThatTheTableDoesNotKnowNeedsTheHighestRole) {
  EXPECT_EQ(admin_role("somethingNew"), AdminRole::Operate);
  EXPECT_FALSE(has_admin_role("somethingNew"));
}

TEST(AdminAccess, ShortAndRepeatedTokensAreRefused) {
  const TokenFiles files;
  const auto brief = AdminAccess::read({files.token("a", "read", "short")}, {});
  ASSERT_FALSE(brief);
  EXPECT_NE(brief.error().message.find("'a'"), std::string::npos);
  const auto twice = AdminAccess::read(
      {files.token("a", "read", "0123456789abcdef"), files.token("b", "operate", "0123456789abcdef")}, {});
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("has the token of 'a'"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
