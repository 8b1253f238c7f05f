// The GuestIntegrity room.
