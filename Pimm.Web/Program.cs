using Pimm.Core;
using Pimm.Core.Database;
using Pimm.Core.Operating;
using Pimm.Web.Api;
using Pimm.Web.Audit;
using Pimm.Web.Exporting;
using Pimm.Web.Approvals;
using Pimm.Web.Health;
using Pimm.Web.Importing;
using Pimm.Web.Layout;
using Pimm.Web.Models;
using Pimm.Web.Security;
using Pimm.Web.Shared;

var builder = WebApplication.CreateBuilder(args);
builder.Configuration.AddPimmSettings();
builder.WebHost.ConfigureKestrel(server => server.AddServerHeader = false).UseStaticWebAssets();

builder.Logging.AddPimmConsole(builder.Configuration, LogLevel.None);
builder.Services.PostConfigure<DatabaseOptions>(database => database.UseForPages());

builder.Services
    .AddPimmCore(builder.Configuration)
    .AddSignIn()
    .AddApi(builder.Configuration)
    .AddUploads()
    .AddHealth()
    .AddMetricsExport(builder.Configuration, "pimm-web")
    .AddNoticeSampler()
    .AddRooms()
    .AddLanguages()
    .AddPages();

var app = builder.Build();

app.UseSecurityHeaders();
app.UseHostCookies();
app.UseErrorPages();
app.UseDatabaseAway();
if (!app.Environment.IsDevelopment())
{
    app.UseHsts();
}

app.UseRequestLocalization();
app.UseRouting();
app.UseApiErrors();
app.UseAuthentication();
app.UseAuthorization();
app.UseRateLimiter();
app.UseAntiforgery();

app.MapHealth();
app.MapSignOut();
app.MapApi();
app.MapUploads();
app.MapModelCards();
app.MapListDownloads();
app.MapApprovalRecords();
app.MapLanguages();
app.MapAuditDownload();
app.MapPages();

app.Run();
