using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.RateLimiting;

namespace Pimm.Web.Api;

/// <summary>The HTTP API for other systems: keys instead of sessions, JSON instead of pages, problem+json for every error.</summary>
public static class ApiServices
{
    public const string Prefix = "/api/v1";

    public const string DocumentPath = Prefix + "/openapi.json";

    /// <summary>Largest body where an address does not say otherwise.</summary>
    public const int MostBytes = 1 << 20;

    public static IServiceCollection AddApi(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton((configuration.GetSection(ApiOptions.Section).Get<ApiOptions>() ?? new ApiOptions()).Validated());
        services.AddSingleton<CampaignView>();
        services.AddSingleton<RefusalLimit>();
        services.AddApiDocument();
        services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(ApiKeyAuthentication.SchemeName, null);
        services.Configure<RateLimiterOptions>(limits => limits.AddPolicy<string, ApiLimit>(ApiLimit.Policy));
        services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true);
        services.AddOutcomesApi();
        return services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.RespectNullableAnnotations = true;
            json.SerializerOptions.RespectRequiredConstructorParameters = true;
            json.SerializerOptions.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        });
    }

    public static IEndpointRouteBuilder MapApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup(Prefix).DisableAntiforgery().RequireRateLimiting(ApiLimit.Policy)
            .WithMetadata(new RequestSizeLimitAttribute(MostBytes))
            .AddEndpointFilterFactory(ApiQuery.RefuseUnknown);
        api.MapCampaignsApi();
        api.MapCampaignLifeApi();
        api.MapListsApi();
        api.MapAssignmentsApi();
        api.MapLiftApi();
        api.MapModelsApi();
        api.MapRunsApi();
        api.MapImportsApi();
        api.MapOutcomesApi();
        api.MapWebhooksApi();
        routes.MapApiDocument();
        return routes;
    }
}
