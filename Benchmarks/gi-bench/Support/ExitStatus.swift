import ArgumentParser
import Foundation
import Replay
import Report

/// What the program says to the shell; documented in `--help`.
enum ExitStatus: Int32 {
  /// Done; better than the baseline is also done.
  case done = 0
  /// A trace, a file or the machine failed.
  case failure = 1
  /// Dearer than the baseline, another answer, or a failed validation.
  case regression = 2
  /// The results speak of different things.
  case notComparable = 3
  /// The command line is wrong.
  case usage = 64

  /// The part of the help that documents them.
  static let help = """
    EXIT STATUS: 0 done (better is also 0); 1 runtime error (bad trace, unreadable file); 2 regression or failed \
    validation; 3 not comparable; 64 usage.
    """
}

/// Why a command ends other than well: one sentence for the standard error, and the exit status.
struct Failure: Error {
  let status: ExitStatus
  let sentence: String

  init(_ sentence: String) { self.init(.failure, sentence) }

  init(_ status: ExitStatus, _ sentence: String) {
    self.status = status
    self.sentence = sentence
  }

  /// What an error of any room means to the shell: the one place where errors become exit statuses.
  init(from error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as NotComparable: self.init(.notComparable, error.description)
    case let error as ValidationError: self.init(.usage, error.message)
    case let question as ProtectionQuestion: self.init(.usage, question.description)
    case let error as any CustomStringConvertible: self.init(.failure, error.description)
    default: self.init(.failure, error.localizedDescription)
    }
  }

  /// Prints the sentence on one line and ends the program; blanks stay, since they may be what is wrong with an input.
  func end() -> Never {
    let line = sentence.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .joined(separator: " ")
    StandardError.write("gi-bench: \(Terminal.printable(line))\n")
    exit(status.rawValue)
  }
}
