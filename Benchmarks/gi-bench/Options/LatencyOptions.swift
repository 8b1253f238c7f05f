import ArgumentParser
import Replay

/// What no recording tells and latency hangs on: who takes the alerts, how fast the guest goes, what else exits.
struct LatencyOptions: ParsableArguments {
  @Option(
    name: .customLong("consumer"),
    help: ArgumentHelp(
      "Who takes the alerts: poll, wake or vmi, or another that the hypervisor's profile names, or service=NS; optionally followed by ring=N and full=lose or full=park, as in vmi,ring=64,full=park.",
      valueName: "consumer"))
  var consumerText = "poll"

  @Option(
    name: .customLong("cpi"),
    help: ArgumentHelp(
      "Cycles per guest instruction: one figure, or three from the least to the greatest.", valueName: "cycles"))
  var paceText = "0.5,1,2"

  @Option(
    name: .customLong("exits-per-second"),
    help: ArgumentHelp(
      "Exits that have nothing to do with the monitor, drawn for each vCPU; they drain modification logs and warm caches.",
      valueName: "n"))
  var exitsPerSecond = 0.0

  @Option(help: ArgumentHelp("The seed of everything that is drawn at random.", valueName: "n"))
  var seed: UInt64 = 1

  @Flag(name: .customLong("open-loop"), help: .hidden) var isOpenLoop = false

  func validate() throws {
    guard !isOpenLoop else {
      throw ValidationError(
        "--open-loop has gone, since a vCPU that is kept issues no next store; --consumer tells what waits in front of "
          + "whoever takes the alerts, as in --consumer vmi,ring=64,full=park")
    }
    guard (0...1e6).contains(exitsPerSecond) else {
      throw ValidationError("--exits-per-second \(exitsPerSecond) is no rate, expected 0 to 1000000; give one of them")
    }
    do { _ = try GuestPace(paceText) } catch { throw ValidationError(error.description) }
  }

  /// The setting as it was asked for, with a consumer of the profile's hypervisor.
  func setting(under profile: CycleProfile) throws -> LatencySetting {
    let consumer: Consumer
    do { consumer = try Consumer(consumerText, among: profile.consumers) } catch {
      throw ValidationError(error.description)
    }
    return LatencySetting(
      consumer: consumer, pace: try GuestPace(paceText), exitsPerSecond: exitsPerSecond, seed: seed)
  }
}
