import GuestIntegrity

extension Strategy {
  /// As pml; stores to pages that are written often, and to critical regions, are refused.
  public static let hybrid = Strategy(
    name: "hybrid",
    summary: "as pml; stores to pages found at 4 of 64 drains, and to critical regions, are refused instead",
    mechanism: Mechanism(
      switching: .filterByMode, noticing: .modificationLog(promoting: .usual), completion: .alreadyDone),
    sound: Soundness(
      value: false,
      reason: "as pml for pages that are logged (attacks A3, A11); at once, with the value, for those that are refused")
  )
}
