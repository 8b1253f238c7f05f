import Foundation

/// The standard error, written at once; what cannot be written there has nowhere to go.
enum StandardError {
  static func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(2, bytes, bytes.count)
  }
}
