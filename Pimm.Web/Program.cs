using Pimm.Core;
using Pimm.Web.Health;
using Pimm.Web.Layout;
using Pimm.Web.Security;
using Pimm.Web.Shared;

var builder = WebApplication.CreateBuilder(args);
builder.Configuration.AddPimmSettings();
builder.WebHost.ConfigureKestrel(server => server.AddServerHeader = false).UseStaticWebAssets();

builder.Services
    .AddPimmCore(builder.Configuration)
    .AddSignIn()
    .AddHealth()
    .AddRooms()
    .AddPages();

var app = builder.Build();

app.UseSecurityHeaders();
app.UseErrorPages();
if (!app.Environment.IsDevelopment())
{
    app.UseHsts();
}

app.UseRouting();
app.UseAuthentication();
app.UseAuthorization();
app.UseRateLimiter();
app.UseAntiforgery();

app.MapHealth();
app.MapSignOut();
app.MapPages();

app.Run();
