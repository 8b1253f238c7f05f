import ArgumentParser

/// An overhead in per cent, written with the sign: `1%`.
struct OverheadLimit {
  let percent: Double

  init(_ text: String) throws {
    guard text.hasSuffix("%"), let percent = Double(text.dropLast()), percent > 0, percent <= 100_000 else {
      throw ValidationError("no overhead between 0% and 100000%; write it as 1%, 0.5% or 20%")
    }
    self.percent = percent
  }
}
