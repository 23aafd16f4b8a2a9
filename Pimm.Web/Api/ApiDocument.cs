using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Pimm.Core.Access;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Pimm.Web.Api;

/// <summary>The OpenAPI 3.1 document at /api/v1/openapi.json: made from the endpoints themselves, so it cannot say anything else.</summary>
public static class ApiDocument
{
    private const string Name = "v1";
    private const string Json = "application/json";
    private const string ProblemJson = "application/problem+json";
    private const string Problem = "Problem";

    private static readonly Dictionary<string, string> Parameters = new(StringComparer.Ordinal)
    {
        ["limit"] = $"how many, 1 to {ApiQuery.MostRows}, {ApiQuery.DefaultLimit} where it is not given",
        ["after"] = "only what follows this: the \"next\" of the page before",
        ["id"] = "the number that lists and creations answer",
        ["search"] = "only those whose name contains this, in any case",
        ["state"] = "only those in this state",
        ["kind"] = "which kind: of runs for example train, of files customers, history or outcomes",
        ["campaignId"] = "only this campaign's",
        ["version"] = "the report's version; the newest where it is not given",
        ["line"] = "the model line's id",
        ["customer"] = "the pseudonymous key, a UUID: docs/hashing.md says how it is computed",
        ["date"] = "the wave's day, as 2026-12-01",
        ["arm"] = "a or b: neutral names of the control and the treatment, as in the files' names",
        ["channel"] = "the channel that the list was written for",
        ["audience"] = "the audience's name; a file of customers makes a new one",
        ["name"] = "the file's name, for people",
        ["part"] = "manifest, add or remove",
        ["If-Match"] = "the ETag of what was read",
    };

    private static readonly (int Status, string Meaning)[] Always =
    [
        (400, "Something about the request is wrong: code and detail say what."),
        (401, "No key, or one that is unknown, expired or revoked."),
        (403, "The key lacks the operation's scope."),
        (429, "The key sends more requests than it may: try again after Retry-After."),
        (503, "The database does not answer: try again after Retry-After."),
    ];

    private static readonly Dictionary<int, string> Sometimes = new()
    {
        [404] = "There is no such thing.", [409] = "What is asked for contradicts what is there.", [410] = "It was there and was removed.",
        [412] = "Somebody changed it meanwhile: the answer has the current state and the fields that differ.", [413] = "The body is too large.",
        [415] = "Another type of content is needed.", [422] = "The key of idempotency was used for another request.", [428] = "If-Match is needed.",
    };

    private static Dictionary<string, IOpenApiHeader> RetryAfter => new()
    {
        ["Retry-After"] = new OpenApiHeader { Description = "seconds", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer } },
    };

    public static IServiceCollection AddApiDocument(this IServiceCollection services) => services.AddSingleton<WrittenDocument>().AddOpenApi(Name, document =>
    {
        document.ShouldInclude = operation => $"/{operation.RelativePath}".StartsWith(ApiServices.Prefix + "/", StringComparison.Ordinal);
        document.AddSchemaTransformer(AllowInfinitiesAsync);
        document.AddOperationTransformer(DescribeAsync);
        document.AddDocumentTransformer(FinishAsync);
    });

    public static void MapApiDocument(this IEndpointRouteBuilder routes) => routes
        .MapGet(ApiServices.DocumentPath, async (WrittenDocument document) => Results.Bytes(await document.BytesAsync(), "application/json;charset=utf-8"))
        .AllowAnonymous().RequireRateLimiting(ApiLimit.Policy).ExcludeFromDescription();

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var scope = metadata.OfType<ApiScope>().Last().Name;
        operation.Security = [new() { [new OpenApiSecuritySchemeReference(ApiKeyAuthentication.SchemeName, context.Document)] = [scope] }];
        operation.Description = $"{operation.Description} Scope: `{scope}`.".TrimStart();
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            parameter.Description ??= Parameters.GetValueOrDefault(parameter.Name!);
        }
        context.Document!.AddComponent<IOpenApiSchema>(Problem, await context.GetOrCreateSchemaAsync(typeof(ApiProblemBody), null, cancellationToken));
        operation.Responses ??= [];
        foreach (var (status, meaning) in Always.Concat(Sometimes.Where(pair => operation.Responses.ContainsKey($"{pair.Key}") || (pair.Key == 404 && context.Description.RelativePath!.Contains('{'))).Select(pair => (pair.Key, pair.Value))))
        {
            operation.Responses[$"{status}"] = new OpenApiResponse
            {
                Description = meaning, Content = new Dictionary<string, OpenApiMediaType> { [ProblemJson] = new OpenApiMediaType { Schema = new OpenApiSchemaReference(Problem, context.Document) } },
                Headers = status is 429 or 503 ? RetryAfter : null,
            };
        }
        ShowExamples(operation, metadata.OfType<ApiExample>().LastOrDefault(), context.ApplicationServices);
    }

    // Reports write infinities as the strings "Infinity" and "-Infinity", as the command line does.
    private static Task AllowInfinitiesAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonPropertyInfo is { DeclaringType.Namespace: "Pimm.Core.Lift" } && schema.Type?.HasFlag(JsonSchemaType.Number) == true)
        {
            schema.Type |= JsonSchemaType.String;
        }
        return Task.CompletedTask;
    }

    private static void ShowExamples(OpenApiOperation operation, ApiExample? example, IServiceProvider services)
    {
        var format = services.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        if (example?.Request is { } request && operation.RequestBody?.Content?.TryGetValue(Json, out var taken) == true)
        {
            taken.Example = JsonSerializer.SerializeToNode(request, format);
        }
        if (example?.Response is { } response)
        {
            foreach (var (_, answer) in operation.Responses!.Where(answer => answer.Key[0] == '2'))
            {
                if (answer.Content?.TryGetValue(Json, out var given) == true)
                {
                    given.Example = response as JsonNode ?? JsonSerializer.SerializeToNode(response, format);
                }
            }
        }
    }

    private static Task FinishAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Pimm", Version = "1",
            Description = "Campaigns, audience lists, outcomes and lift reports for other systems. docs/api.md is the way in.",
        };
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Components ??= new OpenApiComponents();
        document.Components.Schemas?.Remove("ProblemDetails");
        ApiSchemas.OpenAnswers(document);
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [ApiKeyAuthentication.SchemeName] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "pimm_PREFIX_SECRET",
                Description = $"A key that `pimm keys create` made. Scopes: {string.Join("; ", ApiScopes.All.Select(scope => $"`{scope.Key}`, {scope.Value}"))}.",
            },
        };
        return Task.CompletedTask;
    }

    /// <summary>The document as it is sent: the endpoints stay the same while the process lives, and anybody may ask for it.</summary>
    private sealed class WrittenDocument([FromKeyedServices(Name)] IOpenApiDocumentProvider documents)
    {
        private readonly Lazy<Task<byte[]>> bytes = new(async () =>
        {
            using var written = new MemoryStream();
            await (await documents.GetOpenApiDocumentAsync()).SerializeAsJsonAsync(written, OpenApiSpecVersion.OpenApi3_1);
            return written.ToArray();
        });

        public Task<byte[]> BytesAsync() => bytes.Value;
    }
}
