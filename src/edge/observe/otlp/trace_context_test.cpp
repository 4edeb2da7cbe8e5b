#include "edge/observe/otlp/trace_context.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr std::string_view kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::string_view kXray =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

TEST(TraceContext, ATraceparentIsReadAndWritten) {
  const auto read = parse_traceparent(kParent);
  ASSERT_TRUE(read);
  EXPECT_EQ(hex(read->trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(hex_span(read->span), "00f067aa0ba902b7");
  EXPECT_EQ(read->sampled, true);
  EXPECT_EQ(traceparent_of(*read), kParent);
  EXPECT_EQ(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->sampled, false);
}

TEST(TraceContext, WhatTheSpecificationCallsInvalidIsNone) {
  for (const char* text :
       {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",    // capitals
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",    // no trace
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",    // no span
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",    // forbidden version
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",  // more than version 0 has
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x"})
    EXPECT_FALSE(parse_traceparent(text)) << text;
  EXPECT_TRUE(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later"));
}

TEST(TraceContext, AnXrayHeaderIsReadInAnyOrderAndWritten) {
  const auto read = parse_xray_header(kXray);
  ASSERT_TRUE(read);
  EXPECT_EQ(hex(read->trace), "5759e988bd862e3fe1be46a994272793");
  EXPECT_EQ(read->sampled, true);
  EXPECT_EQ(xray_header_of(*read), kXray);
  const auto turned = parse_xray_header(
      "Sampled=0; Self=1-2-3;Parent=53995c3f42cd8ad8 ;Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:0");
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->trace, read->trace);
  EXPECT_EQ(turned->sampled, false);
  EXPECT_EQ(parse_xray_header("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?")
                ->sampled,
            std::nullopt);
  for (const char* text : {"", "Root=1", "Root=1-5759e988-bd862e3fe1be46a994272793", ";;;",
                           "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f",
                           "Root=1-00000000-000000000000000000000000;Parent=53995c3f42cd8ad8"})
    EXPECT_FALSE(parse_xray_header(text)) << text;
}

}  // namespace
}  // namespace forewarm
