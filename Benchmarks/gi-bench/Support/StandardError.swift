import Foundation
import Report

/// The standard error, written at once; what cannot be written there has nowhere to go.
enum StandardError {
  /// One line, safe on a terminal whatever names it quotes.
  static func say(_ line: String) { write(Terminal.printable(line) + "\n") }

  static func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(2, bytes, bytes.count)
  }
}
