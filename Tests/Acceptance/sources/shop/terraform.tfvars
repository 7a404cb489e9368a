environment = "prod"
open_ports  = { https = 443, admin = 22 }
