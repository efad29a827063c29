// Command heeler breaks backends on purpose: it is a TCP proxy that lets a server be slow, give errors,
// hang or die, as a whole or for a share of the requests, and it is what controls such a proxy.
//
//	heeler chaos --protocol mysql --proxy :3307 --backend 127.0.0.1:3306 --http
//	heeler ctl set-behavior hang
//
// And it posts what an application writes to systemd's journal, so that the application waits for nobody:
//
//	heeler follow --match SHOP_ALERT=1 --match _SYSTEMD_UNIT=shop.service --to slack
//
// "heeler help" tells all of it. Called vaurien it is "heeler chaos", and called vaurienctl "heeler ctl":
// both take what Vaurien 2.0 took.
package main

import "os"

func main() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) }
