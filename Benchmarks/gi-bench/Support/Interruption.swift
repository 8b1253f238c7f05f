import Foundation
import Synchronization

/// Ctrl-C and its like, held back until what was begun is put away.
enum Interruption {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]
  private static let received = Atomic<Int32>(0)

  private static let note: @convention(c) (Int32) -> Void = { received.store($0, ordering: .relaxed) }

  /// The signal that asks us to end; nil if none has come.
  static var pending: Int32? {
    let signal = received.load(ordering: .relaxed)
    return signal == 0 ? nil : signal
  }

  /// Whether whoever started us wants a signal to be ignored, as nohup does.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Does what leaves something to be put away, which `body` must do itself when ``pending`` says so; then ends by the signal,
  /// if one came.
  static func held<Result>(during body: () throws -> Result) rethrows -> Result {
    received.store(0, ordering: .relaxed)
    let signals = signals.filter { !isIgnored($0) }
    let before = signals.map { signal($0, note) }
    // Whoever started us may have blocked them: Foundation's Process does.
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    defer {
      for (number, handler) in zip(signals, before) { _ = signal(number, handler) }
      if let pending {
        _ = signal(pending, SIG_DFL)
        raise(pending)
      }
    }
    return try body()
  }
}
