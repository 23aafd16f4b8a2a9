using Pimm.Web.Tests;
using Xunit.MicrosoftTestingPlatform;

// The same program takes the pictures of the documentation: it knows how to drive the pages.
return args is ["screenshots", var folder]
    ? await Screenshots.TakeAsync(folder)
    : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
