// The MonitorTree room.
