variable "ports" { type = map(number) }
variable "office" { type = list(string) }

resource "aws_vpc" "this" {
  cidr_block = "10.40.0.0/16"
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "The shop's front"
  vpc_id      = aws_vpc.this.id

  dynamic "ingress" {
    for_each = var.ports
    iterator = port

    content {
      description = port.key
      from_port   = port.value
      to_port     = port.value
      protocol    = "tcp"
      cidr_blocks = ["0.0.0.0/0"]
    }
  }
}

resource "aws_security_group" "admin" {
  name   = "admin"
  vpc_id = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "admin" {
  for_each = toset(var.office)

  security_group_id = aws_security_group.admin.id
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = each.value
}

output "group_id" {
  value = aws_security_group.web.id
}
