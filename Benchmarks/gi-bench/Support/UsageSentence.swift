/// The argument parser's complaints as one sentence of our own form.
enum UsageSentence {
  /// `Unknown option '--x'. Did you mean '--y'?` becomes `unknown option '--x'; did you mean '--y'?`.
  static func from(_ message: String) -> String {
    var sentence = lowercasedStart(message.trimmingPrefix("Error: "))
    while let end = sentence.firstRange(of: ". ") {
      sentence = sentence[..<end.lowerBound] + "; " + lowercasedStart(sentence[end.upperBound...])
    }
    if sentence.hasSuffix(".") { sentence.removeLast() }
    // What to do follows a semicolon; the parser's shortest complaints lack it.
    return sentence.contains(";") ? sentence : sentence + "; see `gi-bench --help`"
  }

  private static func lowercasedStart(_ text: Substring) -> String {
    text.dropFirst().first?.isLowercase == true ? text.prefix(1).lowercased() + text.dropFirst() : String(text)
  }
}
