using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Pimm.Core;
using Pimm.Web.Api;
using Pimm.Web.Importing;
using Pimm.Web.Security;

namespace Pimm.Web.Tests.Api;

/// <summary>One operation that the app maps below /api/v1.</summary>
/// <param name="Scope">null: it asks for none</param>
internal sealed record ApiEndpoint(string Method, string Pattern, string? Scope, RouteEndpoint Endpoint)
{
    /// <summary>Everything that MapApi maps, but the document, which is for everybody.</summary>
    public static IReadOnlyList<ApiEndpoint> All { get; } = Mapped();

    /// <summary>Of bodies that it takes.</summary>
    public string ContentType => Endpoint.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.FirstOrDefault() ?? "application/json";

    public bool HasNumber => Pattern.Contains(":long}", StringComparison.Ordinal);

    /// <param name="number">for the parameters that are numbers</param>
    public string Path(long number) => string.Join('/', Pattern.Split('/').Select(part => part switch
    {
        ['{', ..] when part.EndsWith(":long}", StringComparison.Ordinal) => $"{number}",
        ['{', ..] when part.EndsWith(":guid}", StringComparison.Ordinal) => "0f3bd1a1-6f0c-4d27-9d9d-2b6f6ff7a001",
        "{date}" => "2026-12-01",
        "{arm}" => "a",
        "{channel}" => "generic-csv",
        "{part}" => "manifest",
        ['{', ..] => "1",
        _ => part,
    }));

    public override string ToString() => $"{Method} {Pattern}";

    private static IReadOnlyList<ApiEndpoint> Mapped()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("Database:ConnectionString", "Host=nowhere")]);
        builder.Services.AddPimmCore(builder.Configuration).AddSignIn().AddApi(builder.Configuration).AddUploads();
        using var app = builder.Build() as IDisposable;
        var routes = (IEndpointRouteBuilder)app;
        routes.MapApi();
        return
        [
            .. from endpoint in routes.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
               let pattern = "/" + endpoint.RoutePattern.RawText!.Trim('/')
               where pattern != ApiServices.DocumentPath
               from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
               orderby pattern, method
               select new ApiEndpoint(method, pattern, endpoint.Metadata.GetMetadata<ApiScope>()?.Name, endpoint),
        ];
    }
}
