// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/serving/http_client.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

BOOST_AUTO_TEST_SUITE(http_client)

BOOST_AUTO_TEST_CASE(events_are_whole_wherever_the_stream_is_cut) {
  std::string const stream = ": ping\n\ndata: {\"n\": 1}\n\ndata: {\"n\": 2}\n\ndata: [DONE]\n\n";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    std::vector<std::int64_t> heard;
    serving::event_reader reader{
        [&](boost::json::object const& event) { heard.push_back(event.at("n").as_int64()); }};
    reader.feed(stream.substr(0, cut));
    BOOST_CHECK(cut == stream.size() || !reader.done());
    reader.feed(stream.substr(cut));
    BOOST_CHECK(reader.done());
    BOOST_TEST(heard == (std::vector<std::int64_t>{1, 2}), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_address_is_a_host_and_a_port) {
  serving::address const full{"http://10.0.0.1:8000/v1"};
  BOOST_CHECK_EQUAL(full.host, "10.0.0.1");
  BOOST_CHECK_EQUAL(full.port, "8000");
  BOOST_CHECK_EQUAL(serving::address{"http://localhost"}.port, "80");
  BOOST_CHECK_THROW(serving::address{"https://localhost"}, std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
