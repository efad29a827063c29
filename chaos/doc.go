// Package chaos breaks backends on purpose.
package chaos
