/// The recorded boot of two vCPUs.
enum RecordedBoot {
  static let name = "boot"
  static let path = "traces/boot.trace"
}
