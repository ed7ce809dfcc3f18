"""The shells that sshd starts on a simulated station: cmd.exe and Windows PowerShell, with their own traps."""
