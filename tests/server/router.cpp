// SPDX-License-Identifier: Apache-2.0
#include "server/router.hpp"

#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>

namespace {

server::route_handler const nothing = [](server::http_request const&,
                                         server::reply&) -> boost::asio::awaitable<void> { co_return; };

BOOST_AUTO_TEST_SUITE(router)

BOOST_AUTO_TEST_CASE(a_path_has_its_methods) {
  server::router routes;
  routes.add("GET", "/a", nothing, server::access::open);
  routes.add("POST", "/a", nothing);
  BOOST_TEST((routes.find("GET", "/a").found->allowed == server::access::open));
  BOOST_TEST(routes.find("HEAD", "/a").found == routes.find("GET", "/a").found);
  BOOST_TEST((routes.find("POST", "/a").found->allowed == server::access::keyed));
  BOOST_TEST(routes.find("PUT", "/a").found == nullptr);
  BOOST_TEST(routes.find("PUT", "/a").allow == "GET, HEAD, POST, OPTIONS");
  BOOST_TEST(routes.find("GET", "/a/").allow == "");
  BOOST_TEST(routes.find("GET", "/A").allow == "");
  BOOST_CHECK_THROW(routes.add("GET", "/a", nothing), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_star_stands_for_longer_paths) {
  server::router routes;
  routes.add("GET", "/m/*", nothing);
  routes.add("DELETE", "/m/exact", nothing);
  BOOST_TEST(routes.find("GET", "/m/x").found != nullptr);
  BOOST_TEST(routes.find("GET", "/m/x/y").found != nullptr);
  BOOST_TEST(routes.find("GET", "/m/").found == nullptr);
  BOOST_TEST(routes.find("GET", "/m").found == nullptr);
  BOOST_TEST(routes.find("GET", "/m/exact").found == nullptr);
  BOOST_TEST(routes.find("GET", "/m/exact").allow == "DELETE, OPTIONS");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
