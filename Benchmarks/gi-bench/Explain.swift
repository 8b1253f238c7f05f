import ArgumentParser
import Replay
import Report
import Synchronization

/// `gi-bench explain`: one notification, step by step.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain one notification: each step with count, cost, bracket and source.",
    usage: "gi-bench explain TRACE --strategy NAME --event N [options]",
    discussion: """
      Replays the trace under one strategy and says what happened in its Nth notification, from the store's issue to \
      the guest's next instruction. N is the number that `run --notifications FILE.csv` lists.

      EXAMPLES:
        gi-bench explain traces/boot.trace --strategy eptp-exit --event 100
        gi-bench explain traces/boot.trace --strategy ve --event 1 --format json

      \(ExitStatus.help)
      """)

  @Argument(
    help: ArgumentHelp("The recording to replay; - is the standard input.", valueName: "trace"),
    completion: .file(extensions: ["trace"]))
  var trace: String

  @Option(help: ArgumentHelp("The number of the notification under the strategy, from 1.", valueName: "n"))
  var event: UInt64

  @OptionGroup(title: "Replay") var choice: ReplayOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Terminal") var console: ConsoleOptions

  func validate() throws {
    guard Set(choice.strategyNames).count == 1 else {
      throw ValidationError(
        choice.strategyNames.isEmpty
          ? "explain needs a strategy; give one with --strategy NAME"
          : "explain tells of one strategy, and \(Set(choice.strategyNames).count) are named; give one --strategy")
    }
    guard event > 0 else { throw ValidationError("--event 0 is none; notifications are counted from 1") }
  }

  func run() throws {
    let destinations = try output.destinations(console: console, inputs: [trace] + choice.files)
    let found = Found()
    let results = try choice.results(of: [trace], console: console) { [event] request in
      request.namesPages = true
      request.isPictured = true
      request.countersOnly = true
      request.notified = { found.look(at: $0, for: event) }
    }
    let result = results[0]
    guard let notification = found.notification else {
      let count = found.count
      throw Failure(
        "\(trace): notification \(event) under \(result.strategies[0].name) is none, "
          + (count == 0 ? "since nothing is notified" : "there are \(count); give 1 to \(count)"))
    }
    let timeline = NotificationTimeline(of: notification, priced: try choice.pricing.profile())
    try destinations.write { format, paints in
      try rendered(
        { [timeline.document(in: result, $0)] }, as: format, painted: paints, width: ConsoleOptions.columns,
        json: timeline.json(in: result), csv: timeline.csv)
    }
  }

  /// What was looked for, once it has come by.
  private final class Found: Sendable {
    private let state = Mutex((notification: ListedNotification?.none, count: UInt64(0)))

    func look(at notification: ListedNotification, for number: UInt64) {
      state.withLock { state in
        state.count += 1
        if notification.number == number { state.notification = notification }
      }
    }

    var notification: ListedNotification? { state.withLock(\.notification) }
    var count: UInt64 { state.withLock(\.count) }
  }
}
