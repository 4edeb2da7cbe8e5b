#include "app/queue_commands.h"

#include <CLI/CLI.hpp>

#include "app/server_options.h"

namespace forewarm {
namespace {

using OnChosen = std::function<void(CLI::App*, std::function<int()>)>;

CLI::App* add_about_queues(CLI::App& parent, QueueCommand& command, const std::string& name,
                           const std::string& what, const std::string& examples) {
  CLI::App* sub = parent.add_subcommand(name, what);
  sub->footer("Examples:\n" + examples);
  add_server_options(*sub, command.server);
  return sub;
}

CLI::App* add_about_queue(CLI::App& parent, QueueCommand& command, const std::string& name,
                          const std::string& what, const std::string& examples) {
  CLI::App* sub = add_about_queues(parent, command, name, what, examples);
  sub->add_option("name", command.name, "its name")->required();
  return sub;
}

void add_scaling(CLI::App& queue, QueueCommand& command, const OnChosen& on) {
  CLI::App* sub = add_about_queue(queue, command, "scaling",
                                  "pause its scaling in or out, force a number of instances, or resume",
                                  "  forewarm queue scaling jobs --pause-in --for 2h\n"
                                  "  forewarm queue scaling jobs --force 3\n"
                                  "  forewarm queue scaling jobs --resume");
  sub->add_flag("--pause-in", command.scaling.pause_in, "stop no instance");
  sub->add_flag("--pause-out", command.scaling.pause_out,
                "start no instance but one for a message that finds none at all");
  sub->add_option("--force", command.scaling.force, "exactly so many instances")
      ->check(CLI::Range(0, 10'000));
  sub->add_flag("--resume", command.scaling.resume, "as planned again");
  sub->add_option("--for", command.scaling.lasts, "for how long, for example 2h (default: until --resume)");
  on(sub, [&command] { return run_queue_scaling(command.server, command.name, command.scaling); });
}

void add_queues(CLI::App& program, QueueCommand& command, const OnChosen& on) {
  CLI::App* queue = program.add_subcommand(
      "queue", "list, create, delete, purge, pause queues; send and look at messages; force scaling");
  queue->require_subcommand(1);
  on(add_about_queues(*queue, command, "list", "queues with their counts",
                      "  forewarm queue list\n  forewarm queue list --json"),
     [&command] { return run_queue_list(command.server); });
  CLI::App* create = add_about_queue(*queue, command, "create", "make a queue",
                                     "  forewarm queue create jobs VisibilityTimeout=60\n  forewarm queue "
                                     "create orders.fifo FifoQueue=true");
  create->add_option("attributes", command.values, "SQS attributes as NAME=VALUE");
  on(create, [&command] { return run_queue_create(command.server, command.name, command.values); });
  on(add_about_queue(*queue, command, "delete", "delete a queue with all its messages",
                     "  forewarm queue delete jobs"),
     [&command] { return run_queue_delete(command.server, command.name); });
  on(add_about_queue(*queue, command, "purge", "delete all messages of a queue",
                     "  forewarm queue purge jobs"),
     [&command] { return run_queue_purge(command.server, command.name); });
  CLI::App* send = add_about_queue(*queue, command, "send", "send one message",
                                   "  forewarm queue send jobs '{\"resize\": 7}'");
  send->add_option("body", command.text, "message body")->required();
  on(send, [&command] { return run_queue_send(command.server, command.name, command.text); });
  CLI::App* peek =
      add_about_queue(*queue, command, "peek", "look at its first messages without receiving them",
                      "  forewarm queue peek jobs\n  forewarm queue peek jobs --limit 100 --json");
  peek->add_option("--limit", command.peeked_max, "messages, at most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  on(peek, [&command] { return run_queue_peek(command.server, command.name, command.peeked_max); });
  on(add_about_queue(*queue, command, "pause", "hand out none of its messages until it is resumed",
                     "  forewarm queue pause jobs"),
     [&command] { return run_queue_pause(command.server, command.name, true); });
  on(add_about_queue(*queue, command, "resume", "hand out its messages again",
                     "  forewarm queue resume jobs"),
     [&command] { return run_queue_pause(command.server, command.name, false); });
  add_scaling(*queue, command, on);
}

void add_dead_letters(CLI::App& program, QueueCommand& command, const OnChosen& on) {
  CLI::App* dlq = program.add_subcommand(
      "dlq", "dead-letter queues: list them, see why messages are there, send them back");
  dlq->require_subcommand(1);
  on(add_about_queues(*dlq, command, "list", "dead-letter queues, what is in them and where it came from",
                      "  forewarm dlq list"),
     [&command] { return run_dlq_list(command.server); });
  on(add_about_queue(*dlq, command, "triage",
                     "why its messages are there, by error, and whether they would succeed now",
                     "  forewarm dlq triage jobs-dead\n  forewarm dlq triage jobs-dead --json"),
     [&command] { return run_dlq_triage(command.server, command.name); });
  CLI::App* redrive = add_about_queue(
      *dlq, command, "redrive", "send messages back, their attempts forgotten",
      "  forewarm dlq redrive jobs-dead\n  forewarm dlq redrive jobs-dead --to jobs --max 10\n"
      "  forewarm dlq redrive jobs-dead --group 7c5e1d0a9b3f2468 --rate 20 --canary 3");
  redrive->add_option("--to", command.text,
                      "queue to send them to (default: the one that names this as its dead-letter queue)");
  CLI::Option* most =
      redrive->add_option("--max", command.redriven_max, "messages, at most")->capture_default_str();
  CLI::Option* group = redrive->add_option(
      "--group", command.dead_letters.group,
      "only those of this error (a fingerprint of triage): canaries first, then the others, "
      "each to the queue that it came from; stops when more than one in five fails again");
  group->excludes(most);
  redrive->add_option("--rate", command.dead_letters.rate, "with --group: messages a second, 1 to 500")
      ->check(CLI::Range(1, 500))
      ->needs(group)
      ->capture_default_str();
  redrive
      ->add_option("--canary", command.dead_letters.canaries,
                   "with --group: so many are sent first, and waited for; 0: none")
      ->check(CLI::Range(0, 100))
      ->needs(group)
      ->capture_default_str();
  on(redrive, [&command, group] {
    if (group->count() > 0) {
      command.dead_letters.name = command.name;
      command.dead_letters.to = command.text;
      return run_dlq_redrive_group(command.server, command.dead_letters);
    }
    return run_dlq_redrive(command.server, command.name, command.text, command.redriven_max);
  });
}

}  // namespace

void add_queue_commands(CLI::App& program, QueueCommand& command, const OnChosen& on) {
  add_queues(program, command, on);
  add_dead_letters(program, command, on);
}

}  // namespace forewarm
