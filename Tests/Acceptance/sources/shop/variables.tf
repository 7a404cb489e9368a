variable "environment" {
  type    = string
  default = "test"
}

variable "office" {
  description = "Whence people administer."
  type        = list(string)
  default     = ["192.0.2.0/24"]
}

variable "open_ports" {
  type    = map(number)
  default = { https = 443 }
}

variable "database_password" {
  type      = string
  sensitive = true
}

variable "audit" {
  description = "Has no value in any file."
  type        = bool
}

locals {
  prefix = "shop-${var.environment}"
  tags = merge(
    { Application = "shop" },
    var.environment == "prod" ? { Tier = "1" } : {},
  )
  buckets = {
    images = { public = true, versioned = false }
    orders = { public = false, versioned = true }
  }
}
